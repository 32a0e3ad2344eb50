// Package terminal is a conversation with a model in lines: prompts with editing and history, answers as they come, commands
// that begin with a slash. It takes its streams from the caller, and prints nothing of a model that could act on a terminal.
package terminal
