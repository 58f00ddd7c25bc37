--- Views and tables made from a SELECT: CREATE VIEW, CREATE TABLE ... AS.
-- Each has a Table (`view.table`) to select from; with a metadata it is created and dropped like the other tables, after
-- and before those that its SELECT uses.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local ddl = require("lualchemy.schema.ddl")
local errors = require("lualchemy.errors")
local options = require("lualchemy.schema.options")
local Column = require("lualchemy.schema.column")
local MetaData = require("lualchemy.schema.metadata")
local Table = require("lualchemy.schema.table")

local M = {}

---@class lualchemy.TableViaSelect: lualchemy.DDLElement
---@field selectable lualchemy.Select
---@field table lualchemy.Table
local ViaSelect = ddl.DDLElement:extend("TableViaSelect")

local COMMON = "metadata schema temporary if_not_exists "

-- The tables of the metadata that the SELECT reads.
local function depend_on_sources(self)
  for _, source in ipairs(core.tables_in(self.selectable)) do
    if class.of(source) == Table and rawequal(source.metadata, self.table.metadata) and not rawequal(source, self.table) then
      self.table:add_is_dependent_on(source)
    end
  end
end

function ViaSelect:_begin(selectable, name, given, known)
  local what = getmetatable(self).__name
  given = given or {}
  self.dialect_options = options.check(what, given, known)
  if class.of(selectable) == nil or selectable.subquery == nil then
    errors.raise("ArgumentError", "%s takes a SELECT statement, not %s", what, tostring(selectable))
  end
  self.selectable = selectable
  self.schema = given.schema ~= "" and given.schema or nil
  self.temporary, self.if_not_exists = given.temporary or false, given.if_not_exists or false
  local arguments = { name, given.metadata or MetaData() }
  for _, column in ipairs(selectable:subquery().c) do arguments[#arguments + 1] = Column(column.name, column.type) end
  arguments[#arguments + 1] = { schema = self.schema }
  self.table = Table(table.unpack(arguments))
  self.metadata, self.element = self.table.metadata, self.table
  self.table._creator_ddl = self
  depend_on_sources(self)
end

---@class lualchemy.CreateTableAs: lualchemy.TableViaSelect
local CreateTableAs = ViaSelect:extend("CreateTableAs", { _visit = "create_table_as" })
M.CreateTableAs = CreateTableAs
local TABLE_OPTIONS = options.set(COMMON)

--- `sa.CreateTableAs(sa.select(...), "name", { temporary = true, metadata = m })`
---@param selectable lualchemy.Select
---@param name string
---@param given table?
function CreateTableAs:init(selectable, name, given)
  self:_begin(selectable, name, given, TABLE_OPTIONS)
end

--- CREATE TABLE name AS this SELECT: `sa.select(...):into("name", { schema =, metadata =, temporary =, if_not_exists = })`.
require("lualchemy.sql.select").SelectBase.into = function(self, name, given) return CreateTableAs(self, name, given) end

---@class lualchemy.CreateView: lualchemy.TableViaSelect
---@field materialized boolean
---@field or_replace boolean
local CreateView = ViaSelect:extend("CreateView", { _visit = "create_view" })
M.CreateView = CreateView
local VIEW_OPTIONS = options.set("metadata schema temporary or_replace materialized")

--- `sa.CreateView(sa.select(...), "name", { or_replace = true, materialized = true, metadata = m })`
---@param selectable lualchemy.Select
---@param name string
---@param given table?
function CreateView:init(selectable, name, given)
  self:_begin(selectable, name, given, VIEW_OPTIONS)
  self.or_replace, self.materialized = given and given.or_replace or false, given and given.materialized or false
  self.table.is_view = true
  self.table._dropper_ddl = M.DropView(self.table, { materialized = self.materialized })
end

local function is_table(kind) return kind == "table" end

--- `sa.DropView(view.table, { if_exists = true, materialized = true })`
M.DropView = ddl.define("DropView", "drop_view", is_table, "if_exists materialized", { _takes = "a Table" })

return M
