package plugin

import "hookyard/plugin/internal/hookyard_plugin_events"

// Event is what a call is about, held by the host: a value enters the plugin when a method asks for it. Reads show the
// event as it was when the call began, never this call's own edits. It must not be used after the call has returned.
//
// The JSON methods take RFC 6901 pointers into the body; "" is the whole document.
type Event struct{ handle *hookyard_plugin_events.Event }

// FromHandle is for the packages that export a plugin's functions.
func FromHandle(handle *hookyard_plugin_events.Event) *Event { return &Event{handle} }

// ID is Hookyard's id of the event: a UUID, the same on every run.
func (event *Event) ID() string { return event.handle.Id() }

// Source is the name of the source that received it.
func (event *Event) Source() string { return event.handle.Source() }

// Kind is the sender's name for the type of event; empty where the sender has none.
func (event *Event) Kind() string { return event.handle.Kind() }

// ReceivedAt is when it was received, in Unix milliseconds. The same on every run.
func (event *Event) ReceivedAt() int64 { return event.handle.ReceivedAt() }

// Method is the HTTP method of the request, upper case.
func (event *Event) Method() string { return event.handle.Method() }

// Path is the path of the request as received, without the query.
func (event *Event) Path() string { return event.handle.Path() }

// Query is the query of the request as received, without "?".
func (event *Event) Query() string { return event.handle.Query() }

// Header is the value of the first header of this name, whatever its case.
func (event *Event) Header(name string) (string, bool) { return event.handle.Header(name).Get() }

// Headers are all headers, in order.
func (event *Event) Headers() []Header { return event.handle.Headers() }

// Attribute is what an earlier plugin of the chain has set with SetAttribute.
func (event *Event) Attribute(name string) (string, bool) {
	return event.handle.Attribute(name).Get()
}

// BodyLength is the length of the body in bytes.
func (event *Event) BodyLength() uint32 { return event.handle.BodyLength() }

// Body is the whole body.
func (event *Event) Body() []byte { return event.handle.Body() }

// BodyRange is at most length bytes of the body from byte offset; fewer, or none, where the body ends before.
func (event *Event) BodyRange(offset, length uint32) []byte {
	return event.handle.BodyRange(offset, length)
}

// JSONKind is the kind of the node.
func (event *Event) JSONKind(pointer string) JSONKind {
	return JSONKind(event.handle.JsonKind(pointer))
}

// JSONString is the value of a string, unescaped.
func (event *Event) JSONString(pointer string) (string, bool) {
	return event.handle.JsonString(pointer).Get()
}

// JSONInteger is the value of a number without fraction or exponent that fits 64 bits.
func (event *Event) JSONInteger(pointer string) (int64, bool) {
	return event.handle.JsonInteger(pointer).Get()
}

// JSONNumber is the value of a number, as the nearest double.
func (event *Event) JSONNumber(pointer string) (float64, bool) {
	return event.handle.JsonNumber(pointer).Get()
}

// JSONBoolean is the value of true or false.
func (event *Event) JSONBoolean(pointer string) (bool, bool) {
	return event.handle.JsonBoolean(pointer).Get()
}

// JSONLength is the number of items of an array or members of an object.
func (event *Event) JSONLength(pointer string) (uint32, bool) {
	return event.handle.JsonLength(pointer).Get()
}

// JSONSource is the node's source text, byte for byte.
func (event *Event) JSONSource(pointer string) (string, bool) {
	return event.handle.JsonSource(pointer).Get()
}

// JSONKind is what a pointer leads to.
type JSONKind uint8

const (
	// JSONAbsent: the body is JSON and has no such node, or the pointer is not well-formed.
	JSONAbsent JSONKind = JSONKind(hookyard_plugin_events.JsonKindAbsent)
	// JSONInvalid: the body is not JSON, or more than the host parses.
	JSONInvalid JSONKind = JSONKind(hookyard_plugin_events.JsonKindInvalid)
	JSONNull    JSONKind = JSONKind(hookyard_plugin_events.JsonKindNull)
	JSONBoolean JSONKind = JSONKind(hookyard_plugin_events.JsonKindBoolean)
	JSONNumber  JSONKind = JSONKind(hookyard_plugin_events.JsonKindNumber)
	JSONString  JSONKind = JSONKind(hookyard_plugin_events.JsonKindString)
	JSONArray   JSONKind = JSONKind(hookyard_plugin_events.JsonKindArray)
	JSONObject  JSONKind = JSONKind(hookyard_plugin_events.JsonKindObject)
)

// String is the kind's name in the contract.
func (kind JSONKind) String() string {
	names := [...]string{"absent", "invalid", "null", "boolean", "number", "string", "array", "object"}
	return names[kind]
}
