--- Engines and connections.

local create = require("lualchemy.engine.create")
local result = require("lualchemy.engine.result")
local transaction = require("lualchemy.engine.transaction")
require("lualchemy.engine.backup")
require("lualchemy.engine.bound")
require("lualchemy.engine.twophase")
require("lualchemy.engine.signatures")

return {
  create_engine = create.create_engine,
  create_mock_engine = create.create_mock_engine,
  engine_from_config = create.engine_from_config,
  make_url = require("lualchemy.engine.url").make,
  set_wait = require("lualchemy.engine.wait").set_wait,
  URL = require("lualchemy.engine.url"),
  inspect = require("lualchemy.engine.inspect").inspect,
  Inspector = require("lualchemy.engine.inspector"),
  Engine = require("lualchemy.engine.engine"),
  Connection = require("lualchemy.engine.connection"),
  Transaction = transaction.Transaction,
  RootTransaction = transaction.RootTransaction,
  NestedTransaction = transaction.NestedTransaction,
  TwoPhaseTransaction = transaction.TwoPhaseTransaction,
  Result = result.Result,
  CursorResult = result.Result,
  ScalarResult = result.ScalarResult,
  MappingResult = result.MappingResult,
  Row = require("lualchemy.engine.row"),
}
