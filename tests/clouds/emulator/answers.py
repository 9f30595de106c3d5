"""How this folder adds to moto: operations that moto does not answer, and corrections of what it does.

An operation is added by name, for any service that botocore describes, whether moto has it or not:

    @answers("backup", "CreateBackupSelection", for_="aws_backup_selection")
    def create_selection(asked: Asked) -> Mapping[str, Any]: ...

What a client asked arrives as the members of the operation's input, and what is returned is written as its output, both
by botocore's model; `Refused` is written as an error, and MOTO leaves the answer to moto. A method of moto is
corrected by putting another in its place, which is given the original first:

    @replaces(Queue, "attributes", for_="aws_sqs_queue")
    def attributes(original, self): ...

`for_` names the resource types that need it, so that a correction can go when moto has learnt it.
"""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.responses import ActionContext, ActionResult
from moto.core.routing import NotFound, get_service_router
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model

ACCOUNT = "123456789012"
WHEN = 1_700_000_000  # any time will do, as long as it stays
_SCOPE = re.compile(r"Credential=[^/]+/[^/]+/([^/]+)/([^/]+)/")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. params: the members of the operation's input."""

    operation: str
    region: str
    params: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.params[name]

    def get(self, name: str, otherwise: Any = None) -> Any:
        value = self.params.get(name)
        return otherwise if value is None else value


MOTO: Mapping[str, Any] = {"": "moto answers"}
Answer = Callable[[Asked], Mapping[str, Any] | None]
_answers: dict[tuple[str, str], Answer] = {}
FOR: dict[str, set[str]] = {}  # resource type -> what was added or corrected for it


def answers(service: str, *operations: str, for_: str | Iterable[str]) -> Callable[[Answer], Answer]:
    """Registers a function as the answer to operations of a service, which botocore knows by this name."""

    def register(answer: Answer) -> Answer:
        for operation in operations:
            if operation not in get_service_model(service).operation_names:
                raise ValueError(f"{service} has no operation {operation}.")
            if (service, operation) in _answers:
                raise ValueError(f"{service} {operation} is answered already.")
            _answers[service, operation] = answer
            _note(for_, f"{service} {operation}")
        return answer

    return register


def replaces(owner: Any, name: str, for_: str | Iterable[str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Puts a function in the place of a method, a property or a function of moto's; it is given the original first."""
    original = vars(owner)[name] if isinstance(owner, type) else getattr(owner, name)

    def replace(new: Callable[..., Any]) -> Callable[..., Any]:
        if isinstance(original, property):
            changed: Any = property(functools.partial(new, original.fget), original.fset)
        elif isinstance(original, staticmethod):
            changed = staticmethod(functools.partial(new, original.__func__))
        elif isinstance(original, classmethod):

            def of_class(cls: type, *arguments: Any, **named: Any) -> Any:
                return new(functools.partial(original.__func__, cls), *arguments, **named)

            changed = classmethod(of_class)
        else:

            @functools.wraps(original)
            def changed(*arguments: Any, **named: Any) -> Any:
                return new(original, *arguments, **named)

        setattr(owner, name, changed)
        _note(for_, f"{getattr(owner, '__name__', owner)}.{name}")
        return new

    return replace


def _note(types: str | Iterable[str], what: str) -> None:
    for type_ in [types] if isinstance(types, str) else types:
        FOR.setdefault(type_, set()).add(what)


class Refused(ServiceException):
    """An error with the code and the words that it is given. (Moto takes a ServiceException itself for one of a service
    of its own, which it cannot find.)"""


class Kept(dict[tuple[str, str], Any]):
    """What was made, by region and name."""

    def __init__(self, what: str, code: str = "ResourceNotFoundException") -> None:
        super().__init__()
        self._what, self._code = what, code

    def __missing__(self, key: tuple[str, str]) -> Any:
        raise Refused(self._code, f"{self._what} {key[1]} does not exist in {key[0]}.")

    def __delitem__(self, key: tuple[str, str]) -> None:
        """Also refused where it is gone already: a client that heard no answer asks again."""
        if key not in self:
            self.__missing__(key)
        super().__delitem__(key)

    def take(self, key: tuple[str, str]) -> Any:
        """Takes it away, and gives what it was."""
        found = self[key]
        del self[key]
        return found

    def of(self, region: str) -> list[Any]:
        """Everything in a region."""
        return [value for (where, _), value in self.items() if where == region]


class Application:
    """Moto's application, with the answers of this folder before it."""

    def __init__(self, moto: Any) -> None:
        self._moto = moto
        self._services: dict[str, list[str]] = {}
        for service, _ in dict.fromkeys((s, "") for s, _ in _answers):
            self._services.setdefault(get_service_model(service).signing_name, []).append(service)

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        found = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        region, signed = found.groups() if found else ("", "")
        for service in self._services.get(signed, ()):
            answer = self._answer(service, region, environ)
            if answer is not None:
                status, headers, body = answer
                data = body.encode() if isinstance(body, str) else body
                sent = {**headers, "Content-Length": str(len(data))}
                start(f"{status} .", [(k, v) for k, v in sent.items() if k.lower() != "status"])
                return [data]
        return self._moto(environ, start)

    def _answer(self, service: str, region: str, environ: dict[str, Any]) -> tuple[int, Mapping[str, str], Any] | None:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(size)
        environ["wsgi.input"] = io.BytesIO(body)  # for moto, if it is not for us
        request = Request({**environ, "wsgi.input": io.BytesIO(body)})
        try:
            operation, in_path = get_service_router(service).match(request)
        except (NotFound, NotImplementedError):
            return None
        answer = _answers.get((service, operation.name))
        return _answered(service, region, request, operation, in_path, answer) if answer else None


def _answered(
    service: str, region: str, request: Request, operation: Any, in_path: Mapping[str, Any], answer: Answer
) -> tuple[int, Mapping[str, str], Any] | None:
    model = get_service_model(service)
    protocol = determine_request_protocol(model, request.content_type)
    asked = PROTOCOL_PARSERS[protocol](operation, map_type=dict).parse(
        {"method": request.method, "values": request.values, "headers": request.headers, "body": request.data,
         "url_path": request.path, "url_params": in_path}
    )  # fmt: skip
    try:
        told: Any = answer(Asked(operation.name, region, asked))
    except ServiceException as error:
        told = error
    if told is MOTO:
        return None
    serializer = get_serializer_class(model.service_name, protocol)
    return ActionResult(told).execute_result(ActionContext(model, operation, serializer, None))
