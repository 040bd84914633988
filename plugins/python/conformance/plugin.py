"""Does what its configuration tells it to, so that the host's side of the contract can be tested from Python. Not for use."""

import struct
from collections.abc import Callable, Iterator

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.handler import Verdict, Verdict_Discard, Verdict_Forward
from wit_world.imports import config, http, kv, logging, metrics, output, secrets
from wit_world.imports.events import Event
from wit_world.imports.types import Failure_Permanent, Failure_Retryable, Header, Response

# How many calls this instance has been given.
calls = 0


class Handler(exports.Handler):
    def process(self, event: Event) -> Verdict:
        script = event.header("x-do")
        if script is None:
            return Verdict_Forward()
        global calls
        calls += 1
        report = ""
        number = 0
        while True:
            step = Step(f"/{script}/{number}", event)
            op = config.get(f"{step.place}/op")
            if op is None:
                return Verdict_Forward()
            if op in VERDICTS:
                return VERDICTS[op](step.text("value", report))
            if op == "report":
                output.set_body(report.encode())
                report += "ok\n"
            elif op in OPS:
                report += step.run(*OPS[op]) + "\n"
            else:
                raise Err(Failure_Permanent(f"unknown op: {op}"))
            number += 1


class Step:
    """One order of a script."""

    def __init__(self, place: str, event: Event):
        self.place = place
        self.event = event

    def run(self, call: Callable, write: Callable) -> str:
        """Calls as often as asked for, and writes down the last result."""
        result = ""
        for _ in range(self.number("times", 1)):
            try:
                result = write(call(self))
            except Err as error:
                result = " ".join(["error", *described(error.value)])
        return result

    def argument(self, name: str) -> str | None:
        value = config.get(f"{self.place}/{name}")
        if name == "value" and value is not None:
            return value * self.number("repeat", 1)
        return value

    def text(self, name: str, otherwise: str = "") -> str:
        value = self.argument(name)
        return otherwise if value is None else value

    def number(self, name: str, otherwise: int = 0) -> int:
        return int(self.text(name, str(otherwise)))

    def double(self) -> float:
        return struct.unpack(">d", bytes.fromhex(self.text("bits")))[0]

    def octets(self) -> bytes:
        value = self.argument("value")
        return self.event.body() if value is None else value.encode()

    def expected(self) -> bytes | None:
        value = self.argument("expected")
        return None if value is None else value.encode()

    def names(self) -> list[str]:
        return list(self.items("to/{}"))

    def headers(self) -> list[Header]:
        names = self.items("headers/{}/name")
        return [Header(name, self.text(f"headers/{n}/value")) for n, name in enumerate(names)]

    def items(self, pattern: str) -> Iterator[str]:
        number = 0
        while (item := self.argument(pattern.format(number))) is not None:
            yield item
            number += 1


def retryable(reason: str) -> Verdict:
    raise Err(Failure_Retryable(reason))


def permanent(reason: str) -> Verdict:
    raise Err(Failure_Permanent(reason))


def trap(_: str) -> Verdict:
    raise RuntimeError("told to")


def loop(_: str) -> Verdict:
    while True:
        pass


def allocate(_: str) -> Verdict:
    kept = []
    while True:
        kept.append(bytearray(b"\x01") * (1 << 20))


def ok(_: None) -> str:
    return "ok"


def boolean(value: bool) -> str:
    return "true" if value else "false"


def bits(number: float) -> str:
    return struct.pack(">d", number).hex()


def optional(write: Callable) -> Callable:
    return lambda value: "none" if value is None else f"some {write(value)}"


def headers(headers: list[Header]) -> str:
    return "".join(f"{header.name}={header.value};" for header in headers)


def response(response: Response) -> str:
    return f"{response.status}|{headers(response.headers)}|{response.body.hex()}"


def described(error: kv.KvError | http.HttpError) -> list[str]:
    match error:
        case kv.KvError_Quota():
            return ["quota"]
        case kv.KvError_Unavailable(reason):
            return ["unavailable", reason]
        case http.HttpError_Denied(reason):
            return ["denied", reason]
        case http.HttpError_Timeout():
            return ["timeout"]
        case http.HttpError_TooLarge():
            return ["too-large"]
        case http.HttpError_Failed(reason):
            return ["failed", reason]


VERDICTS: dict[str, Callable[[str], Verdict]] = {
    "forward": lambda _: Verdict_Forward(),
    "discard": Verdict_Discard,
    "retryable": retryable,
    "permanent": permanent,
    "trap": trap,
    "loop": loop,
    "allocate": allocate,
}

# What each op calls, and how its result is written.
OPS: dict[str, tuple[Callable, Callable]] = {
    "calls": (lambda step: calls, str),
    "id": (lambda step: step.event.id(), str),
    "source": (lambda step: step.event.source(), str),
    "kind": (lambda step: step.event.kind(), str),
    "received-at": (lambda step: step.event.received_at(), str),
    "method": (lambda step: step.event.method(), str),
    "path": (lambda step: step.event.path(), str),
    "query": (lambda step: step.event.query(), str),
    "header": (lambda step: step.event.header(step.text("name")), optional(str)),
    "headers": (lambda step: step.event.headers(), headers),
    "attribute": (lambda step: step.event.attribute(step.text("name")), optional(str)),
    "body-length": (lambda step: step.event.body_length(), str),
    "body": (lambda step: step.event.body(), bytes.hex),
    "body-range": (lambda step: step.event.body_range(step.number("offset"), step.number("length")), bytes.hex),
    "json-kind": (lambda step: step.event.json_kind(step.text("pointer")), lambda kind: kind.name.lower()),
    "json-string": (lambda step: step.event.json_string(step.text("pointer")), optional(str)),
    "json-integer": (lambda step: step.event.json_integer(step.text("pointer")), optional(str)),
    "json-number": (lambda step: step.event.json_number(step.text("pointer")), optional(bits)),
    "json-boolean": (lambda step: step.event.json_boolean(step.text("pointer")), optional(boolean)),
    "json-length": (lambda step: step.event.json_length(step.text("pointer")), optional(str)),
    "json-source": (lambda step: step.event.json_source(step.text("pointer")), optional(str)),
    "set-header": (lambda step: output.set_header(step.text("name"), step.text("value")), ok),
    "remove-header": (lambda step: output.remove_header(step.text("name")), ok),
    "set-body": (lambda step: output.set_body(step.octets()), ok),
    "json-set": (lambda step: output.json_set(step.text("pointer"), step.text("value")), ok),
    "json-remove": (lambda step: output.json_remove(step.text("pointer")), ok),
    "set-attribute": (lambda step: output.set_attribute(step.text("name"), step.text("value")), ok),
    "send-to": (lambda step: output.send_to(step.names()), ok),
    "not-before": (lambda step: output.not_before(step.number("seconds")), ok),
    "emit": (lambda step: output.emit(output.Message(step.names(), step.headers(), step.octets())), ok),
    "reply": (lambda step: output.reply(Response(step.number("status"), step.headers(), step.octets())), ok),
    "log": (lambda step: logging.log(logging.Level[step.text("level").upper()], step.text("value")), ok),
    "config-get": (lambda step: config.get(step.text("pointer")), optional(str)),
    "config-text": (lambda step: config.text(), str),
    "secret": (lambda step: secrets.get(step.text("name")), optional(bytes.hex)),
    "kv-get": (lambda step: kv.get(step.text("key")), optional(bytes.hex)),
    "kv-set": (lambda step: kv.set(step.text("key"), step.octets(), step.number("ttl")), ok),
    "kv-remove": (lambda step: kv.remove(step.text("key")), ok),
    "kv-increment": (lambda step: kv.increment(step.text("key"), step.number("delta"), step.number("ttl")), str),
    "kv-compare-and-set": (
        lambda step: kv.compare_and_set(step.text("key"), step.expected(), step.octets(), step.number("ttl")),
        boolean,
    ),
    "count": (lambda step: metrics.count(step.text("name"), step.number("delta")), ok),
    "observe": (lambda step: metrics.observe(step.text("name"), step.double()), ok),
    "send": (
        lambda step: http.send(
            http.Request(
                step.text("method"), step.text("url"), step.headers(), step.octets(), step.number("timeout")
            )
        ),
        response,
    ),
}
