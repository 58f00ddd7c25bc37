--- The schema's public names; `sa` re-exports them.

local constraint = require("lualchemy.schema.constraint")
local ddl = require("lualchemy.schema.ddl")
local defaults = require("lualchemy.schema.defaults")
local foreign_key = require("lualchemy.schema.foreign_key")
local sequence = require("lualchemy.schema.sequence")
local signature = require("lualchemy.signature")
local types = require("lualchemy.types")
local view = require("lualchemy.schema.view")

require("lualchemy.schema.signatures")
require("lualchemy.schema.statement_options")

local M = {
  MetaData = require("lualchemy.schema.metadata"),
  Table = require("lualchemy.schema.table"),
  Column = require("lualchemy.schema.column"),
  Index = require("lualchemy.schema.index"),
  SchemaItem = require("lualchemy.schema.item"),
  sort_tables = require("lualchemy.schema.sort").tables,
  sort_tables_and_constraints = require("lualchemy.schema.sort").tables_and_constraints,
  conv = require("lualchemy.schema.naming").conv,
  set_warning_hook = require("lualchemy.util.warn").set_hook,
}

--- A column that tells the rows of a batch apart where nothing else does: `sa.insert_sentinel("_sentinel")`.
---@param name string?
---@param type_ lualchemy.Type?
---@param opts { default: any }?
---@return lualchemy.Column
function M.insert_sentinel(name, type_, opts)
  return M.Column(name, type_ or types.Integer, { default = opts and opts.default, insert_sentinel = true })
end
signature.functions(M, { insert_sentinel = "name: string?, type: any?, options: options?" })

-- BoundMetaData of the old tutorial: a MetaData made of an engine or a URL.
M.BoundMetaData = M.MetaData

for _, module in ipairs{ constraint, defaults, foreign_key, sequence, ddl, view } do
  for name, value in pairs(module) do
    if name:match("^%u") then M[name] = value end
  end
end

return M
