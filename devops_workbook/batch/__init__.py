"""Many scenarios in one run: read, worked through by a cluster, written where a URL says, and told on one page.

    inputs + grid -> cases -> tasks on dask.distributed -> one folder a case -> results.csv, results.parquet, index.html

A case is a scenario that is to be worked out. Each becomes an executed notebook and its documents, by papermill and
nbconvert as everywhere, in a worker of the cluster; what makes it fast is that kernels are forked from a parent that
has imported everything (`warm`). A case's folder ends with `result.json`, which names the content it was made from, so
that a run that was interrupted, by whatever, is taken up by running it again: what is finished is skipped.

Reading cases and forking kernels needs nothing but the core; running a batch needs the extra `batch`.
"""
