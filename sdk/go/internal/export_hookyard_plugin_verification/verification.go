// Package export_hookyard_plugin_verification is what the generated glue of the export calls.
package export_hookyard_plugin_verification

import (
	"hookyard/plugin/internal/hookyard_plugin_events"
	"hookyard/plugin/internal/hookyard_plugin_verification"
)

// Verify is set by package verifier.
var Verify func(*hookyard_plugin_events.Event) hookyard_plugin_verification.Outcome
