--- Concrete-table inheritance: each class has a whole table of its own. Only the class's methods are inherited; keys may
-- be the same in two tables, so each class has its own identities.

local errors = require("lualchemy.errors")

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

--- What a concrete class inherits by name only, and its own table does not have.
---@param mapper lualchemy.orm.Mapper
---@param key string
function M.raise_not_mapped(mapper, key)
  errors.raise("InvalidRequestError", "Concrete class '%s' does not implement the attribute '%s' of %s: add a column or a relationship of "
    .. "that name to it", mapper.class_name, key, mapper.inherits.class_name)
end

return M
