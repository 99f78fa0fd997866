"""A REST API that gives JSON in pages, through dlt's client.

The client waits and tries again on 429 (as long as `Retry-After` says) and on 5xx, longer each time;
what still fails then is down. Values travel on as text: the mapping casts them like a file's.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.sources.helpers.requests.retry import Client
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.client import RESTClient
from dlt.sources.helpers.rest_client.paginators import BasePaginator
from dlt.sources.rest_api.config_setup import create_paginator
from requests.exceptions import HTTPError, JSONDecodeError, RequestException

from forestall.sections import Source
from forestall.sources.reading import Batches, Reading, Since, SourceDownError, SourceError, one_line

BATCH_ROWS = 50_000
RETRIED = (429, 500, 502, 503, 504)
BACKOFF_S = 1.0  # doubles with each attempt


def read_rest(name: str, source: Source, base_url: str, token: str, since: Since, limit: int | None = None) -> Reading:
    """The rows of all pages.

    Args:
        name: the source's name, for errors.
        source: `location` is the path, `records` where the rows are in a page, `paging` a paginator
            in dlt's words, `cursor_param` the parameter that takes the watermark.
        base_url: of the API.
        token: bearer token, or nothing.
        since: earlier pulls.
        limit: stop after so many rows, for a preview.

    Raises:
        SourceError: the API refuses (401, 404...) or does not give rows; while it is read, too.
        SourceDownError: it does not answer, or fails after all retries.
    """
    return Reading(_batches(name, source, base_url, token, since, limit))


def _batches(name: str, source: Source, base_url: str, token: str, since: Since, limit: int | None) -> Batches:
    client = RESTClient(
        base_url=base_url,
        auth=BearerTokenAuth(token=token) if token else None,
        paginator=_paginator(name, source),
        data_selector=source.records or None,
        session=Client(
            raise_for_status=False,
            request_max_attempts=source.retries + 1,
            request_backoff_factor=BACKOFF_S,
            status_codes=RETRIED,
        ).session,
        config=RuntimeConfiguration(),
    )
    is_asked = source.cursor_param and since.changed_at is not None
    params = {source.cursor_param: since.changed_at.isoformat()} if is_asked and since.changed_at else {}
    rows: list[Mapping[str, Any]] = []
    try:
        for page in client.paginate(source.location, params=params):
            rows += _rows(name, source, page)
            if len(rows) >= (limit or BATCH_ROWS):
                yield as_text_table(rows[:limit])
                rows = []
            if limit and not rows:
                return
        if rows:
            yield as_text_table(rows)
    except HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        told = f"sources.{name}: {source.location}: the API answers {status}"
        if status in RETRIED or status >= 500:
            raise SourceDownError(told) from error
        hint = f"; check {source.token or 'the token'}" if status in (401, 403) else "; check `location`"
        raise SourceError(told + hint) from error
    except JSONDecodeError as error:
        raise SourceError(f"sources.{name}: {source.location}: the answer is not JSON: {one_line(error)}") from error
    except RequestException as error:
        raise SourceDownError(f"sources.{name}: {base_url} does not answer: {type(error).__name__}") from error


def _paginator(name: str, source: Source) -> BasePaginator | None:
    try:
        return create_paginator(dict(source.paging) or None)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise SourceError(f"sources.{name}: paging: {one_line(error)}") from error


def _rows(name: str, source: Source, page: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
    if not all(isinstance(row, Mapping) for row in page):
        raise SourceError(
            f"sources.{name}: {source.location}: `records` = `{source.records}` leads to no list of objects"
        )
    return page


def as_text_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """JSON objects as a table of text, a column for each key; what is nested stays JSON."""
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: pa.array([_text(row.get(name)) for row in rows], pa.string()) for name in names})


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
