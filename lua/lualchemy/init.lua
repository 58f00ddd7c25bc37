--- lualchemy: the database toolkit and object-relational mapper. The names a user needs, re-exported.
--     local sa = require "lualchemy"

local core = require("lualchemy._core")
local dialects = require("lualchemy.dialects")
local engine = require("lualchemy.engine")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event.public")
local pool = require("lualchemy.pool")
local signature = require("lualchemy.signature")
local schema = require("lualchemy.schema")
local sql = require("lualchemy.sql")
local types = require("lualchemy.types")

---@class lualchemy
local M = {
  _VERSION = "scm",
  null = core.null,
  exc = errors,
  event = event,
  pool = pool,
  types = types,
  dialects = dialects,
}

-- What layers ask of each other.
local INTERNAL = { renderer_of = true, kind_of = true, table_valued = true, text_select = true, alias_of_join = true, upsert = true,
  on_prepare = true, spell_type = true, wrap = true, frame_getter = true }

-- Layers whose other names are all public.
for _, layer in ipairs { types, sql, schema, engine } do
  for name, value in pairs(layer) do
    if not INTERNAL[name] then M[name] = value end
  end
end

for name, class in pairs(pool) do
  if name:find("^%u") and M[name] == nil then M[name] = class end
end

signature.module(M)
return M
