package plugin

import (
	"hookyard/plugin/internal/hookyard_plugin_config"
	"hookyard/plugin/internal/hookyard_plugin_logging"
	"hookyard/plugin/internal/hookyard_plugin_metrics"
	"hookyard/plugin/internal/hookyard_plugin_secrets"
)

// Config is the value at a pointer in the plugin's own table: a string unquoted, any other value as JSON text.
func Config(pointer string) (string, bool) { return hookyard_plugin_config.Get(pointer).Get() }

// ConfigText is the plugin's whole table as JSON text; {} if there is none.
func ConfigText() string { return hookyard_plugin_config.Text() }

// Debug, Info, Warn and Error write one line to the host's log.
func Debug(text string) {
	hookyard_plugin_logging.Log(hookyard_plugin_logging.LevelDebug, text)
}

func Info(text string) {
	hookyard_plugin_logging.Log(hookyard_plugin_logging.LevelInfo, text)
}

func Warn(text string) {
	hookyard_plugin_logging.Log(hookyard_plugin_logging.LevelWarn, text)
}

func Error(text string) {
	hookyard_plugin_logging.Log(hookyard_plugin_logging.LevelError, text)
}

// Secret is the value of a secret that the operator granted: allow = { secrets = ["name"] }.
func Secret(name string) ([]byte, bool) { return hookyard_plugin_secrets.Get(name).Get() }

// Count adds to a counter of the plugin's own. Takes the grant allow = { metrics = true }, as does Observe.
func Count(name string, delta uint32) { hookyard_plugin_metrics.Count(name, delta) }

// Observe adds one observation to a histogram.
func Observe(name string, value float64) { hookyard_plugin_metrics.Observe(name, value) }
