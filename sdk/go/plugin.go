// Package plugin is what a Hookyard plugin in Go is written with: the event, the edits, and what else the host offers.
//
// A plugin imports this package and, for its side, one of processor, verifier and sink:
//
//	func init() { processor.Run(process) }
//	func main() {}
//
//	func process(event *plugin.Event) (plugin.Verdict, error) {
//		if action, _ := event.JSONString("/action"); action == "deleted" {
//			return plugin.Discard("deleted"), nil
//		}
//		plugin.SetHeader("x-kind", event.Kind())
//		return plugin.Forward, nil
//	}
//
// A capability is asked for by calling it: a plugin that calls no KV function has no import of kv, and needs no grant for it.
package plugin

import (
	"hookyard/plugin/internal/hookyard_plugin_handler"
	"hookyard/plugin/internal/hookyard_plugin_types"
)

// Header is one HTTP header: Name and Value.
type Header = hookyard_plugin_types.Header

// Response is an HTTP response: Status, Headers and Body.
type Response = hookyard_plugin_types.Response

// Verdict is what becomes of an event that was processed.
type Verdict = hookyard_plugin_handler.Verdict

// Forward lets the event go on, with the edits made, to the next plugin or to the destinations.
var Forward = hookyard_plugin_handler.MakeVerdictForward()

// Discard ends the event as dropped. The reason is for the operator.
func Discard(reason string) Verdict { return hookyard_plugin_handler.MakeVerdictDiscard(reason) }

// Failure is an error that says whether to try again. Any other error that a plugin returns counts as permanent.
type Failure struct {
	Reason    string
	Retryable bool
}

func (failure *Failure) Error() string { return failure.Reason }

// Retryable is a failure after which the plugin runs again, on the configured schedule.
func Retryable(reason string) error { return &Failure{reason, true} }

// Permanent is a failure that running again would not mend.
func Permanent(reason string) error { return &Failure{reason, false} }

// TellPanic is deferred by the packages that export a plugin's functions: it writes into the host's log what a panic says, which
// would be lost otherwise.
func TellPanic() {
	reason := recover()
	if reason == nil {
		return
	}
	switch text := reason.(type) {
	case error:
		Error("panic: " + text.Error())
	case string:
		Error("panic: " + text)
	}
	panic(reason)
}

// FailureOf is for the packages that export a plugin's functions.
func FailureOf(err error) hookyard_plugin_types.Failure {
	if failure, ok := err.(*Failure); ok && failure.Retryable {
		return hookyard_plugin_types.MakeFailureRetryable(failure.Reason)
	}
	return hookyard_plugin_types.MakeFailurePermanent(err.Error())
}
