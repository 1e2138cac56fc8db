package main

import (
	"fmt"
	"io"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// newLogger returns the process's logger: JSON, or console for people. No stack traces: an error is a sentence.
func newLogger(w io.Writer, level, format string) (logr.Logger, error) {
	levels := map[string]zapcore.Level{
		"debug": zapcore.DebugLevel, "info": zapcore.InfoLevel, "error": zapcore.ErrorLevel,
	}
	enabled, ok := levels[level]
	if !ok {
		return logr.Discard(), fmt.Errorf("--log-level is %q: give debug, info or error", level)
	}
	cfg := zap.NewProductionEncoderConfig()
	cfg.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	cfg.EncodeDuration = zapcore.StringDurationEncoder
	var encoder zapcore.Encoder
	switch format {
	case "json":
		encoder = zapcore.NewJSONEncoder(cfg)
	case "console":
		cfg.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		cfg.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(cfg)
	default:
		return logr.Discard(), fmt.Errorf("--log-format is %q: give json or console", format)
	}
	return zapr.NewLogger(zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), enabled))), nil
}

// quietLibraries lets the libraries' own messages through at debug level only: in a quiet minute nothing is logged.
func quietLibraries(log logr.Logger) {
	ctrl.SetLogger(logr.New(demoted{log.WithName("runtime").GetSink()}))
	klog.SetLogger(logr.New(demoted{log.WithName("client").GetSink()}))
}

// demoted is a sink one level down. A logger's own V(1) would not do: controller-runtime keeps only the sink.
type demoted struct{ logr.LogSink }

// Enabled asks for one level more.
func (d demoted) Enabled(level int) bool { return d.LogSink.Enabled(level + 1) }

// Info logs one level down.
func (d demoted) Info(level int, msg string, keysAndValues ...any) {
	d.LogSink.Info(level+1, msg, keysAndValues...)
}

// WithValues keeps the level.
func (d demoted) WithValues(keysAndValues ...any) logr.LogSink {
	return demoted{d.LogSink.WithValues(keysAndValues...)}
}

// WithName keeps the level.
func (d demoted) WithName(name string) logr.LogSink { return demoted{d.LogSink.WithName(name)} }
