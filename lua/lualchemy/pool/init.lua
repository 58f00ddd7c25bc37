--- Connection pools: `sa.pool.QueuePool(connect_fn, { size = 5 })` and its siblings.

local kinds = require("lualchemy.pool.kinds")

return {
  Pool = require("lualchemy.pool.base"),
  QueuePool = kinds.QueuePool,
  NullPool = kinds.NullPool,
  StaticPool = kinds.StaticPool,
  SingletonPool = kinds.SingletonPool,
  AssertionPool = kinds.AssertionPool,
}
