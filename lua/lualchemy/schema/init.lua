--- The schema's public names; `sa` re-exports them.

local constraint = require("lualchemy.schema.constraint")
local ddl = require("lualchemy.schema.ddl")
local defaults = require("lualchemy.schema.defaults")
local foreign_key = require("lualchemy.schema.foreign_key")
local sequence = require("lualchemy.schema.sequence")
local view = require("lualchemy.schema.view")

local M = {
  MetaData = require("lualchemy.schema.metadata"),
  Table = require("lualchemy.schema.table"),
  Column = require("lualchemy.schema.column"),
  Index = require("lualchemy.schema.index"),
  SchemaItem = require("lualchemy.schema.item"),
  sort_tables = require("lualchemy.schema.sort").tables,
  conv = require("lualchemy.schema.naming").conv,
  set_warning_hook = require("lualchemy.util.warn").set_hook,
}

-- BoundMetaData of the old tutorial: a MetaData made of an engine or a URL.
M.BoundMetaData = M.MetaData

for _, module in ipairs{ constraint, defaults, foreign_key, sequence, ddl, view } do
  for name, value in pairs(module) do
    if name:match("^%u") then M[name] = value end
  end
end

return M
