"""Sends the items of a list one by one, each with what another service knows about it.

What that service answered is kept for a while, so that a hundred orders of one product ask once.
"""

from urllib.parse import quote

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.handler import Verdict, Verdict_Discard, Verdict_Forward
from wit_world.imports import config, http, kv, output
from wit_world.imports.events import Event, JsonKind
from wit_world.imports.logging import Level, log
from wit_world.imports.types import Failure_Permanent, Failure_Retryable, Header


class Handler(exports.Handler):
    def process(self, event: Event) -> Verdict:
        items = option("items")
        if event.json_kind(items) != JsonKind.ARRAY:
            raise permanent(f'the body has no list at "{items}"')
        length = event.json_length(items) or 0
        if length == 0:
            return Verdict_Discard("nothing to expand")
        for number in range(length):
            place = f"{items}/{number}"
            found = find(key(event, place + option("key")))
            item = (event.json_source(place) or "").encode()
            body = b'{"item":' + item + b',"found":' + found + b"}"
            output.emit(output.Message([], [Header("content-type", "application/json")], body))
        return Verdict_Forward()


def key(event: Event, pointer: str) -> str:
    """By what an item is looked up: a string as it is, a number as it is written."""
    key = event.json_string(pointer)
    if key is None and event.json_kind(pointer) == JsonKind.NUMBER:
        key = event.json_source(pointer)
    if key is None:
        raise permanent(f'the body has no string or number at "{pointer}"')
    return key


def find(key: str) -> bytes:
    """What is known about a key, as JSON: from the store, else from the service.

    The store is there to save requests: the plugin works without it.
    """
    try:
        kept = kv.get(key)
        if kept is not None:
            return kept
    except Err as error:
        log(Level.WARN, f"the store: {error.value}")
    found = ask(option("url").replace("{}", quote(key, safe="!~*'()")))
    try:
        kv.set(key, found, int(config.get("/ttl") or 300))
    except Err as error:
        log(Level.WARN, f"the store: {error.value}")
    return found


def ask(url: str) -> bytes:
    try:
        answer = http.send(http.Request("GET", url, [], b"", 0))
    except Err as error:
        match error.value:
            # What the operator has not allowed will not be allowed in a minute.
            case http.HttpError_Denied(reason):
                raise permanent(reason) from error
            case http.HttpError_Failed(reason):
                raise retryable(reason) from error
            case http.HttpError_Timeout():
                raise retryable(f"{url} did not answer in time") from error
            case http.HttpError_TooLarge():
                raise retryable(f"{url} answered more than is accepted") from error
    match answer.status:
        case 200:
            return answer.body
        case 404:
            return b"null"
        case status:
            raise retryable(f"{url} answered {status}")


def option(name: str) -> str:
    value = config.get(f"/{name}")
    if value is None:
        raise permanent(f"config: `{name}` is missing")
    return value


def permanent(reason: str) -> Err[Failure_Permanent]:
    return Err(Failure_Permanent(reason))


def retryable(reason: str) -> Err[Failure_Retryable]:
    return Err(Failure_Retryable(reason))
