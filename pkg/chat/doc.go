// Package chat asks a model by the OpenAI API and reads its answer as it comes: text, reasoning, tool calls, usage, how long
// it took and which revision gave it. What goes wrong is an Error of a kind, with a sentence for people.
//
// The terminal and the web page both stand on it: it reads no flags, prints nothing and keeps no conversation.
package chat
