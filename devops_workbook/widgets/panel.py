"""A widget that shows HTML in slots and reports what a person asks for.

Each slot is a synchronised trait (`slot_<name>`), so that a view that opens late finds the whole state; `show`
sets only the slots that changed and sends them in one message. The front end (`panel.js`) morphs the page towards
the new text, which is what an `ipywidgets.HTML` cannot do: it replaces its content, and with it every open part, the
focus and the scroll position.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

import anywidget
import traitlets

__all__ = ["STYLE", "Panel"]

_FOLDER = files("devops_workbook.widgets")
STYLE = _FOLDER.joinpath("theme.css").read_text(encoding="utf-8")
"""The style sheet, for pages that show the same fragments without the widget."""


class Panel(anywidget.AnyWidget):
    """Slots of HTML in a fixed layout.

    page: HTML with one `data-slot` element for each of `slots`; answered: the number of the newest request
    whose answer is shown. Override `receive` to answer requests.
    """

    _esm = _FOLDER.joinpath("panel.js").read_text(encoding="utf-8")
    _css = STYLE

    page = traitlets.Unicode().tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)

    def __init__(self, page: str, slots: Iterable[str]) -> None:
        self.add_traits(**{f"slot_{slot}": traitlets.Unicode("").tag(sync=True) for slot in slots})
        super().__init__(page=page)
        self.on_msg(lambda _widget, content, _buffers: self.receive(content))

    def show(self, texts: Mapping[str, str], answered: int = 0) -> tuple[str, ...]:
        """Set the slots that differ, in one message to the front end; returns their names."""
        changed = {slot: str(text) for slot, text in texts.items() if self.text(slot) != text}
        with self.hold_sync():
            for slot, text in changed.items():
                setattr(self, f"slot_{slot}", text)
            self.answered = max(self.answered, answered)
        return tuple(changed)

    def text(self, slot: str) -> str:
        """The HTML that a slot shows."""
        return str(getattr(self, f"slot_{slot}"))

    def reset(self) -> None:
        """Make the front end forget what its controls hold and show what Python last said."""
        self.send({"reset": True})

    def offer(self, name: str, type: str, data: bytes) -> None:
        """Let the browser save `data` as a file called `name`, in the view that asked for a download."""
        self.send({"download": {"name": name, "type": type}}, [data])

    def receive(self, content: Any) -> None:
        """Answer a request of the front end: `action`, its arguments, `value` and the request's `number`.

        Nothing is certain about `content` but that it was JSON.
        """
        raise NotImplementedError
