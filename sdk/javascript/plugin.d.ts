// The contract between Hookyard and its plugins, for TypeScript and editors. Generated from wit/0.1.0/plugin.wit by
// `cargo xtask plugins`.

/** What a function of the host throws where its documentation says so. */
interface ComponentError<E> extends Error {
  payload: E;
}

/** Records shared by the other interfaces. */
declare module 'hookyard:plugin/types@0.1.0' {
  /**
   * One HTTP header. Several headers may have the same name; their order is
   * kept.
   */
  export interface Header {
    /**
     * An HTTP token, compared ASCII case-insensitively. Lower case when it
     * comes from the host.
     */
    name: string;
    /**
     * The value without surrounding white space. When it comes from the host,
     * bytes that are not UTF-8 have become U+FFFD. When it goes to the host,
     * control characters other than tab are illegal.
     */
    value: string;
  }
  /** An HTTP response. */
  export interface Response {
    /** Status code, 200 to 599. */
    status: number;
    /** In order. Length and connection headers are the host's. */
    headers: Header[];
    /** The whole body; empty for none. */
    body: Uint8Array;
  }
  /**
   * Why a call did not succeed. The text is for the operator: it appears in
   * logs and listings, cut to a limited length.
   */
  export type Failure =
    /**
     * Run again later, on the configured schedule, until the attempts are
     * used up.
     */
    | { tag: 'retryable'; val: string }
    /**
     * Do not run again. What happens next is the plugin's `on_error`;
     * usually the event becomes a dead letter.
     */
    | { tag: 'permanent'; val: string }
    ;
}

/** The event a call is about. */
declare module 'hookyard:plugin/events@0.1.0' {
  import type { Header } from 'hookyard:plugin/types@0.1.0';
  /** What a JSON pointer leads to. */
  export type JsonKind =
    /** The body is JSON and has no such node, or the pointer is not well-formed. */
    | 'absent'
    /** The body is not JSON, or more than the host parses. */
    | 'invalid'
    /** `null`. */
    | 'null'
    /** `true` or `false`: see `jsonBoolean`. */
    | 'boolean'
    /** A number: see `jsonInteger` and `jsonNumber`. */
    | 'number'
    /** A string: see `jsonString`. */
    | 'string'
    /** An array: see `jsonLength`. */
    | 'array'
    /** An object: see `jsonLength`. */
    | 'object'
    ;
  /**
   * Read-only view of an event, held by the host. A value enters the plugin
   * when a function asks for it.
   *
   * Reads show the event as it was when the call began, with the edits of
   * plugins that ran before in the chain, never this call's own edits.
   *
   * The handle is owned by the call and should be dropped before it returns.
   * The host does not rely on that: when the call has returned, any use of a
   * kept handle, other than dropping it, traps.
   *
   * The `json-*` functions take RFC 6901 pointers into the body; `""` is the
   * whole document. The host parses the body once, at the first of them. Of
   * duplicate keys in an object, the last counts.
   */
  export interface Event {
    /**
     * Hookyard's id of the event: a UUID, the same on every run. Emitted
     * messages carry the id of the event they came from.
     */
    id(): string;
    /** Name of the source that received it. */
    source(): string;
    /**
     * The sender's name for the type of event, such as `pull_request.opened`;
     * empty where the sender has none.
     */
    kind(): string;
    /** When it was received, in Unix milliseconds. The same on every run. */
    receivedAt(): bigint;
    /** HTTP method of the request, upper case. */
    method(): string;
    /** Path of the request as received, without the query. */
    path(): string;
    /** Query of the request as received, without `?`; empty for none. */
    query(): string;
    /**
     * Value of the first header of this name, ASCII case-insensitively; none
     * if there is no such header.
     */
    header(name: string): string | null | undefined;
    /** All headers, in order. */
    headers(): Header[];
    /**
     * Value of an attribute that an earlier plugin of the chain set; none if
     * there is no such attribute. See `output.setAttribute`.
     */
    attribute(name: string): string | null | undefined;
    /** Length of the body in bytes. */
    bodyLength(): number;
    /**
     * The whole body, exactly as received unless an earlier plugin changed
     * it.
     */
    body(): Uint8Array;
    /**
     * At most `length` bytes of the body from byte `offset`. Fewer, or none,
     * where the body ends before.
     */
    bodyRange(offset: number, length: number): Uint8Array;
    /** The kind of the node. */
    jsonKind(pointer: string): JsonKind;
    /**
     * The value of a string, unescaped. None for any other kind, and for a
     * string with an unpaired surrogate.
     */
    jsonString(pointer: string): string | null | undefined;
    /**
     * The value of a number that is written without fraction or exponent and
     * fits 64 bits, signed. None for any other number or kind.
     */
    jsonInteger(pointer: string): bigint | null | undefined;
    /** The value of a number, as the nearest double. None for any other kind. */
    jsonNumber(pointer: string): number | null | undefined;
    /** The value of `true` or `false`. None for any other kind. */
    jsonBoolean(pointer: string): boolean | null | undefined;
    /**
     * Number of items of an array or members of an object. None for any other
     * kind.
     */
    jsonLength(pointer: string): number | null | undefined;
    /**
     * The node's source text, byte for byte: a string with its quotes and
     * escapes, an object with its white space. None if `jsonKind` is
     * `absent` or `invalid`.
     */
    jsonSource(pointer: string): string | null | undefined;
  }
}

/**
 * Edits to what leaves the call.
 *
 * The host keeps them and applies them only if the call returns `forward`;
 * `reply` counts on `discard` too. Where a call returns a failure, they are
 * dropped.
 *
 * The functions return nothing: a misuse makes the outcome of the call
 * `invalid-output`, whatever it returns, and the outcome names the first one.
 * The number and total size of edits are limited; going beyond is a misuse.
 */
declare module 'hookyard:plugin/output@0.1.0' {
  import type { Header } from 'hookyard:plugin/types@0.1.0';
  import type { Response } from 'hookyard:plugin/types@0.1.0';
  /** One message to emit. */
  export interface Message {
    /**
     * Names of the destinations, as in `sendTo`. Empty: all destinations of
     * the route.
     */
    destinations: string[];
    /**
     * Set on the message in order, as by `setHeader`, on top of the event's
     * headers.
     */
    headers: Header[];
    /** The body; replaces the event's. */
    body: Uint8Array;
  }
  /**
   * Sets a header: replaces all headers of this name (ASCII
   * case-insensitively) by one. A name that is not a token, a value with a
   * control character other than tab, or a header of the connection, such as
   * `content-length`, is a misuse.
   */
  export function setHeader(name: string, value: string): void;
  /**
   * Removes all headers of this name, ASCII case-insensitively. Does nothing
   * if there is none.
   */
  export function removeHeader(name: string): void;
  /** Replaces the whole body, and drops the `json-*` edits made before. */
  export function setBody(body: Uint8Array): void;
  /**
   * Sets the node at an RFC 6901 pointer to `value`, which is JSON text.
   * Bytes outside the node stay as received. Edits apply in call order, each
   * to the result of those before it.
   *
   * A member that is missing in an existing object is added. In an array, an
   * existing index is replaced, and `-` or the index after the last appends.
   * Where an object repeats a key, every occurrence is edited. A missing
   * parent, an index beyond, a malformed pointer, a `value` that is not JSON,
   * or a body that is not JSON is a misuse.
   */
  export function jsonSet(pointer: string, value: string): void;
  /**
   * Removes the node at an RFC 6901 pointer. Does nothing if it is absent.
   * The pointer `""`, a malformed pointer, or a body that is not JSON is a
   * misuse.
   */
  export function jsonRemove(pointer: string): void;
  /**
   * Sets an attribute: a key and a value that later plugins of the chain read
   * with `event.attribute`. Attributes are not sent to destinations. A name
   * that is set again gets the new value.
   */
  export function setAttribute(name: string, value: string): void;
  /**
   * Narrows the destinations to these names. A name that is not among the
   * route's destinations is a misuse. An empty list sends to none. The last
   * call counts. Without a call, the event goes to all of them.
   */
  export function sendTo(destinations: string[]): void;
  /**
   * Delays the first attempt of every delivery by so many seconds, counted
   * from the commit of the run. Zero: no delay. The last call counts. A delay
   * beyond the host's limit is a misuse.
   */
  export function notBefore(delaySeconds: number): void;
  /**
   * Adds a message. If a call emits any, they replace the event, in call
   * order, and plugins further down the chain run once for each. The call's
   * `setAttribute` and `notBefore` apply to each of them; its edits of
   * headers, body and destinations do not. An unknown destination or an
   * illegal header in a message is a misuse. Their number and size are
   * limited.
   */
  export function emit(message: Message): void;
  /**
   * The HTTP answer to the sender. Counts only where the route has
   * `respond = "plugin"`; elsewhere it is ignored and counted in a metric.
   * The last call counts. A status outside 200 to 599 or an illegal header is
   * a misuse.
   */
  export function reply(response: Response): void;
}

/**
 * Log lines, written to the host's log with the plugin's and the event's
 * names. Always available.
 */
declare module 'hookyard:plugin/logging@0.1.0' {
  /** Severity of a line. */
  export type Level =
    /** Details for the plugin's author. */
    | 'debug'
    /** What an operator may want to know. */
    | 'info'
    /** What an operator should look at some time. */
    | 'warn'
    /** What an operator should look at now. */
    | 'error'
    ;
  /**
   * Writes one line. Granted secret values in it are masked; control
   * characters are escaped. Length and rate are limited: a longer message is
   * cut, further ones are dropped and counted.
   */
  export function log(level: Level, message: string): void;
}

/**
 * The plugin's own table, `[plugins.<name>.config]`, seen as a JSON document.
 * Constant while the instance lives. Always available.
 */
declare module 'hookyard:plugin/config@0.1.0' {
  /**
   * The value at an RFC 6901 pointer: a string unquoted and unescaped, any
   * other value as JSON text. None if there is no such value.
   */
  export function get(pointer: string): string | null | undefined;
  /** The whole table as JSON text; `{}` if there is none. */
  export function text(): string;
}

/** Secrets that the operator granted to this plugin by name. */
declare module 'hookyard:plugin/secrets@0.1.0' {
  /**
   * The value of a secret. None if it is not granted or does not exist; the
   * two are not told apart.
   */
  export function get(name: string): Uint8Array | null | undefined;
}

/**
 * A small key-value store, private to the plugin unless the operator shares
 * it.
 *
 * Reads see this chain's own writes. Writes are kept by the host and
 * committed with the result of the chain; on a failure they are dropped. If
 * another chain changed, in between, a key that this one read, the chain runs
 * again from its first plugin.
 *
 * A key is not empty. The lengths of keys and values are limited; beyond the
 * limits, and for an empty key, an operation returns `quota`.
 */
declare module 'hookyard:plugin/kv@0.1.0' {
  /** Why an operation did not succeed. */
  export type KvError =
    /**
     * A limit on size, number of keys or number of operations would be
     * exceeded. The operation did nothing.
     */
    | { tag: 'quota' }
    /**
     * The store cannot be reached. The text says why. Usually a reason to
     * return a retryable failure.
     */
    | { tag: 'unavailable'; val: string }
    ;
  /**
   * The value of a key; none if it is absent or has expired.
   * @throws {ComponentError<KvError>}
   */
  export function get(key: string): Uint8Array | null | undefined;
  /**
   * Sets a key. It expires `ttlSeconds` after the commit; 0: never.
   * @throws {ComponentError<KvError>}
   */
  export function set(key: string, value: Uint8Array, ttlSeconds: number): void;
  /**
   * Removes a key. Does nothing if it is absent.
   * @throws {ComponentError<KvError>}
   */
  export function remove(key: string): void;
  /**
   * Adds `delta` to a counter and returns the sum. An absent key counts as 0,
   * as does a value that is not a counter; the sum saturates. A counter's
   * value is its decimal text. `ttlSeconds` is as for `set`, and starts
   * again with every call.
   * @throws {ComponentError<KvError>}
   */
  export function increment(key: string, delta: bigint, ttlSeconds: number): bigint;
  /**
   * Sets a key if its value is `expected`; none means: if the key is absent.
   * Returns whether it did. `ttlSeconds` is as for `set`.
   * @throws {ComponentError<KvError>}
   */
  export function compareAndSet(key: string, expected: Uint8Array | null | undefined, value: Uint8Array, ttlSeconds: number): boolean;
}

/**
 * The plugin's own metrics, exported with its name as a label. They are
 * committed with the result of the chain. The number of names is limited:
 * further names, and names that are not `[a-z_][a-z0-9_]*`, are ignored and
 * counted.
 */
declare module 'hookyard:plugin/metrics@0.1.0' {
  /** Adds to a counter. */
  export function count(name: string, delta: number): void;
  /**
   * Adds one observation to a histogram. A value that is not finite is
   * ignored.
   */
  export function observe(name: string, value: number): void;
}

/**
 * Outbound HTTP: blocking, buffered, to the addresses and origins that the
 * operator allows. Anything else is refused before a connection is made.
 *
 * A request may be made more than once for an event, since the chain runs
 * again after a failure. The event's id serves as an idempotency key.
 */
declare module 'hookyard:plugin/http@0.1.0' {
  import type { Header } from 'hookyard:plugin/types@0.1.0';
  import type { Response } from 'hookyard:plugin/types@0.1.0';
  /** An HTTP request. */
  export interface Request {
    /** Method, such as `POST`. */
    method: string;
    /** Absolute `http` or `https` URL. */
    url: string;
    /**
     * In order. Host, length and connection headers are set by the host;
     * naming them is `failed`.
     */
    headers: Header[];
    /** The whole body; empty for none. */
    body: Uint8Array;
    /**
     * Longest wait for the whole exchange, in milliseconds. 0: as long as the
     * call's own time budget allows, which is the limit in any case.
     */
    timeoutMs: number;
  }
  /** Why there is no response. */
  export type HttpError =
    /**
     * Not allowed by configuration. The text names what is missing. No
     * connection was made.
     */
    | { tag: 'denied'; val: string }
    /** No complete response in time. The request may have been processed. */
    | { tag: 'timeout' }
    /**
     * The request or the response is larger than the host's limit. The
     * request may have been processed.
     */
    | { tag: 'too-large' }
    /**
     * The request is malformed, or the connection, TLS or the exchange
     * failed. The text says why. The request may have been processed.
     */
    | { tag: 'failed'; val: string }
    ;
  /**
   * Sends a request and waits for the whole response. Redirects are not
   * followed. Any status is a response, not an error.
   * @throws {ComponentError<HttpError>}
   */
  export function send(request: Request): Response;
}

/** Exported by a plugin that takes part in a route's chain. */
declare module 'hookyard:plugin/handler@0.1.0' {
  import type { Failure } from 'hookyard:plugin/types@0.1.0';
  import type { Event } from 'hookyard:plugin/events@0.1.0';
  /** What becomes of the event. */
  export type Verdict =
    /**
     * It goes on, with the edits made through `output`, to the next plugin or
     * to the destinations.
     */
    | { tag: 'forward' }
    /** It ends here as dropped. The text says why, for the operator. */
    | { tag: 'discard'; val: string }
    ;
  /** What a plugin exports as `handler`. */
  export interface Handler {
    /**
     * Handles one event. May run more than once for an event.
     * @throws {Failure}
     */
    process(event: Event): Verdict;
  }
}

/** Exported by a plugin that verifies requests in place of a built-in scheme. */
declare module 'hookyard:plugin/verification@0.1.0' {
  import type { Response } from 'hookyard:plugin/types@0.1.0';
  import type { Event } from 'hookyard:plugin/events@0.1.0';
  /** What is known of a genuine request. */
  export interface Identity {
    /**
     * The sender's name for the type of event; becomes `event.kind`. None:
     * what the source's settings say.
     */
    kind: string | null | undefined;
    /**
     * The sender's id of this delivery, by which duplicates are recognised.
     * None: what the source's settings say.
     */
    deliveryId: string | null | undefined;
  }
  /** What the request is. */
  export type Outcome =
    /** From the sender it claims: stored and routed. */
    | { tag: 'genuine'; val: Identity }
    /** A handshake: answered with this response, and not stored. */
    | { tag: 'challenge'; val: Response }
    /** Refused with 401. The text is for the operator and is not sent. */
    | { tag: 'rejected'; val: string }
    ;
  /** What a plugin exports as `verification`. */
  export interface Verification {
    /**
     * Verifies one request, before it is stored. `request.id` is the id it gets
     * if it is genuine; `request.kind` is empty. A trap or an exceeded budget
     * refuses the request with 503.
     */
    verify(request: Event): Outcome;
  }
}

/** Exported by a plugin that is a destination. */
declare module 'hookyard:plugin/delivery@0.1.0' {
  import type { Failure } from 'hookyard:plugin/types@0.1.0';
  import type { Event } from 'hookyard:plugin/events@0.1.0';
  /** What is recorded of a delivery that arrived. */
  export interface Receipt {
    /** HTTP status, or 200 where there is none. */
    status: number;
    /**
     * Text for the operator, such as the receiver's id for the message; may
     * be empty, and is cut to a limited length.
     */
    detail: string;
  }
  /** What a plugin exports as `delivery`. */
  export interface Delivery {
    /**
     * Makes one attempt to deliver a message. `attempt` counts from 1. A
     * retryable failure is attempted again on the destination's schedule; a
     * permanent one makes the delivery a dead letter.
     * @throws {Failure}
     */
    deliver(message: Event, attempt: number): Receipt;
  }
}

/**
 * Exported by a plugin that checks its configuration when it is loaded.
 * Optional: the host looks for it. Its functions run without capabilities:
 * calling an imported function other than those of `logging` and `config`
 * fails the load.
 */
declare module 'hookyard:plugin/lifecycle@0.1.0' {
  /** What a plugin exports as `lifecycle`. */
  export interface Lifecycle {
    /**
     * Checks the plugin's table, given as JSON text. Returns one line for each
     * problem; none: the configuration is good. Any problem fails the load.
     */
    validate(config: string): string[];
    /** One line that says what the plugin does, for listings. */
    describe(): string;
  }
}
