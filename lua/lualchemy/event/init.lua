--- Events: `sa.event.listen(target, "name", fn, options)`, `remove`, `contains`.

local dispatch = require("lualchemy.event.dispatch")
local listen = require("lualchemy.event.listen")

return {
  listen = listen.listen,
  remove = listen.remove,
  contains = listen.contains,
  extend = listen.extend,
  declare = listen.declare,
  known = listen.known,
  add_resolver = listen.add_resolver,
  fire = dispatch.fire,
  fold = dispatch.fold,
  call = dispatch.call,
  listeners = dispatch.listeners,
  lists = dispatch.lists,
  derive = dispatch.derive,
  copy = dispatch.copy,
}
