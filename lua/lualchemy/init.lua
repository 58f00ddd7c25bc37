--- lualchemy: the database toolkit and object-relational mapper. The names a user needs, re-exported.
--     local sa = require "lualchemy"

local core = require("lualchemy._core")
local dialects = require("lualchemy.dialects")
local engine = require("lualchemy.engine")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")
local pool = require("lualchemy.pool")
local schema = require("lualchemy.schema")
local sql = require("lualchemy.sql")
local types = require("lualchemy.types")

local M = {
  _VERSION = "scm",
  null = core.null,
  exc = errors,
  event = event,
  pool = pool,
  types = types,
  dialects = dialects,
}

-- Layers whose every name is public.
for _, layer in ipairs { types, sql, schema, engine } do
  for name, value in pairs(layer) do M[name] = value end
end

return M
