package plugin

import "hookyard/plugin/internal/hookyard_plugin_output"

// The edits. The host keeps them and applies them if the call returns Forward; Reply counts with Discard, too. A misuse, such as a
// header that is none, makes the outcome of the call "invalid output", whatever it returns.

// SetHeader replaces all headers of this name by one.
func SetHeader(name, value string) { hookyard_plugin_output.SetHeader(name, value) }

// RemoveHeader removes all headers of this name.
func RemoveHeader(name string) { hookyard_plugin_output.RemoveHeader(name) }

// SetBody replaces the whole body, and drops the JSON edits made before.
func SetBody(body []byte) { hookyard_plugin_output.SetBody(body) }

// JSONSet sets the node at a pointer to value, which is JSON text.
func JSONSet(pointer, value string) { hookyard_plugin_output.JsonSet(pointer, value) }

// JSONRemove removes the node at a pointer; does nothing if it is absent.
func JSONRemove(pointer string) { hookyard_plugin_output.JsonRemove(pointer) }

// SetAttribute sets a value that later plugins of the chain read with Event.Attribute.
func SetAttribute(name, value string) { hookyard_plugin_output.SetAttribute(name, value) }

// SendTo narrows the destinations to these names. The last call counts.
func SendTo(destinations ...string) { hookyard_plugin_output.SendTo(destinations) }

// NotBefore delays the first attempt of every delivery by so many seconds. The last call counts.
func NotBefore(delaySeconds uint32) { hookyard_plugin_output.NotBefore(delaySeconds) }

// Message is one message to emit: Destinations (none: all of the route), Headers (on top of the event's) and Body.
type Message = hookyard_plugin_output.Message

// Emit adds a message. If a call emits any, they replace the event.
func Emit(message Message) { hookyard_plugin_output.Emit(message) }

// Reply is the HTTP answer to the sender, where the route has respond = "plugin". The last call counts.
func Reply(response Response) { hookyard_plugin_output.Reply(response) }
