--- `sa.event`: what a program needs of the event mechanism, with its arguments checked.

local event = require("lualchemy.event")
local signature = require("lualchemy.signature")

local M = { listen = event.listen, remove = event.remove, contains = event.contains, extend = event.extend }

signature.functions(M, {
  listen = "target: any, name: string, fn: callable, options: options?",
  remove = "target: any, name: any, fn: callable?",
  extend = "target: any, extension: table, names: list?",
  contains = "target: any, name: string, fn: callable",
}, "event.")

return M
