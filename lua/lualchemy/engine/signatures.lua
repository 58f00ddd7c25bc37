--- What the functions and methods of engines, connections and results take, where they do not check it by themselves.

local Connection = require("lualchemy.engine.connection")
local Cursor = require("lualchemy.engine.cursor").Cursor
local Engine = require("lualchemy.engine.engine")
local Inspector = require("lualchemy.engine.inspector")
local Table = require("lualchemy.schema.table")
local Routed = require("lualchemy.engine.routed")
local URL = require("lualchemy.engine.url")
local create = require("lualchemy.engine.create")
local pools = require("lualchemy.pool")
local result = require("lualchemy.engine.result")
local signature = require("lualchemy.signature")
local sql = require("lualchemy.sql")
local transaction = require("lualchemy.engine.transaction")

signature.kind("engine", "an Engine, as create_engine() makes it", function(x)
  return getmetatable(x) == Engine or Engine:is(x)
end)
signature.kind("connection", "a Connection, as engine:connect() makes it", function(x) return Connection:is(x) end)
signature.kind("connectable", "an Engine or a Connection", function(x) return Engine:is(x) or Connection:is(x) end)
signature.kind("parts", "the table that create_engine() makes: call that", function(x)
  return type(x) == "table" and URL:is(x.url)
end)

signature.kind("result", "a result of rows", function(x) return result.Result:is(x) end)

signature.functions(create, {
  create_engine = "url: any, options: options?",
  create_mock_engine = "url: any, executor: callable",
  engine_from_config = "config: table, prefix: string?, options: options?",
})

signature.functions(URL, { create = "drivername: string, parts: options?" }, "URL.")
signature.methods(URL, { init = "parts: table", set = "parts: options", render_as_string = "options: options?",
  update_query_pairs = "pairs: table, options: options?", update_query_dict = "parameters: table, options: options?",
  update_query_string = "text: string, options: options?", difference_update_query = "names: table",
  translate_connect_args = "names: options?" })
signature.methods(Engine, {
  init = "engine: parts",
  begin = "function: callable?",
  run_transaction = "function: any?, options: options?",
  begin_twophase = "function: callable, xid: string?", commit_prepared = "xid: string", rollback_prepared = "xid: string",
  add_listener = "extension: table", backup = "path: string, options: options?", restore = "path: string, options: options?",
  on_slow_query = "seconds: number?, function: callable?",
  execution_options = "options: options", update_execution_options = "options: options",
})
signature.methods(Connection, {
  init = "engine: engine, pool: any?",
  begin = "function: callable?",
  begin_nested = "function: callable?",
  begin_twophase = "xid: string?", commit_prepared = "xid: string", rollback_prepared = "xid: string",
  exec_driver_sql = "text: string, parameters: any?, options: options?",
  execution_options = "options: options",
})
signature.methods(Cursor, { init = "connection: connection, statement: string, bound: any, context: table, send: callable",
  execute = "statement: string?, parameters: any?", executemany = "statement: string?, parameters: any?" })
signature.methods(Routed)
signature.methods(require("lualchemy.engine.mock"), { init = "url: any, dialect: any, executor: callable", begin = "function: callable?" })
signature.kind("a_table", "a Table", function(x) return Table:is(x) end)
local questions = { init = "bind: connectable", reflect_table = "table: a_table, options: options?", has_schema = "name: string" }
for name in pairs(Inspector) do
  if type(name) == "string" and name:find("^get_multi_") then questions[name] = "options: options?" end
end
signature.methods(Inspector, questions)

signature.methods(transaction.Transaction, { init = "connection: connection" })
signature.methods(transaction.RootTransaction)
signature.methods(transaction.NestedTransaction, { init = "connection: connection" })
signature.methods(transaction.TwoPhaseTransaction, { init = "connection: connection" })
-- The methods that bound metadata adds.
signature.methods(sql.Executable)
signature.methods(result.AnyResult, { fetchmany = "n: integer?", partitions = "n: integer?", unique = "key: callable?" })
signature.methods(result.Result, { fetchmany = "n: integer?", unique = "key: callable?", each_fetched = "function: callable",
  buffer = "arrange: callable?", splice_horizontally = "other: result", splice_vertically = "other: result" })
signature.methods(result.IndirectResult, { fetchmany = "n: integer?" })
signature.methods(result.ScalarResult)
signature.methods(result.MappingResult)
for _, kind in pairs(pools) do signature.methods(kind, { init = "connect: callable, options: options?" }) end
