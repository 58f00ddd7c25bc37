--- Single-table inheritance: the subclass has no table of its own; its rows are those of its parent's table whose
-- discriminator names it or a class below it.

local errors = require("lualchemy.errors")

local M = {}

--- Gives the mapper its parent's tables.
---@param mapper lualchemy.orm.Mapper
---@param options table
function M.arrange(mapper, options)
  local parent = mapper.inherits
  mapper.single = true
  mapper.local_table, mapper.persist_selectable = parent.local_table, parent.persist_selectable
  mapper.tables, mapper.levels = parent.tables, parent.levels
  mapper.base_mapper = parent.base_mapper
  if options.inherit_condition then
    errors.raise("ArgumentError", "mapper() of %s: inherit_condition is for a class with a table of its own", mapper.class_name)
  end
end

return M
