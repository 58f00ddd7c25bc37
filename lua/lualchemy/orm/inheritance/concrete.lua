--- Concrete-table inheritance: each class has a whole table of its own. Only the class's methods are inherited; keys may
-- be the same in two tables, so each class has its own identities.

local M = {}

--- Gives the mapper its own table alone.
---@param mapper lualchemy.orm.Mapper
---@param _ table
---@param table_ lualchemy.Table
function M.arrange(mapper, _, table_)
  mapper.concrete = true
  mapper.local_table, mapper.persist_selectable = table_, table_
  mapper.tables, mapper.base_mapper = { table_ }, mapper
end

return M
