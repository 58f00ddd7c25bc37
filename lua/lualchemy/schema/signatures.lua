--- What the methods of the schema's items take, where they do not check it by themselves.

local Column = require("lualchemy.schema.column")
local Index = require("lualchemy.schema.index")
local MetaData = require("lualchemy.schema.metadata")
local SchemaItem = require("lualchemy.schema.item")
local Table = require("lualchemy.schema.table")
local class = require("lualchemy.util.class")
local collection = require("lualchemy.schema.collection")
local constraint = require("lualchemy.schema.constraint")
local ddl = require("lualchemy.schema.ddl")
local defaults = require("lualchemy.schema.defaults")
local foreign_key = require("lualchemy.schema.foreign_key")
local sequence = require("lualchemy.schema.sequence")
local signature = require("lualchemy.signature")
local sort = require("lualchemy.schema.sort")

signature.kind("table_", "a Table", function(x) return Table:is(x) end)
signature.kind("metadata", "a MetaData", function(x) return MetaData:is(x) end)
signature.kind("foreign_key", "a ForeignKey", function(x) return foreign_key.ForeignKey:is(x) end)
signature.kind("word", "a name", function(x) return type(x) == "string" or (type(x) == "table" and x._is_name == true) end)
-- Fetched values and constraints may be made by classes of a dialect's own: what they take besides is theirs.
signature.kind("item", "a schema item", SchemaItem.is_item)

-- Told by what they have, for they belong to a layer above; options may stand in their place.
signature.kind("bind", "an Engine or a Connection", function(x)
  return type(x) == "table" and (getmetatable(x) == nil or x.dialect ~= nil and x.execute ~= nil)
end)

signature.kind("ddl", "a DDL element such as sa.CreateTable(t)", function(x) return ddl.DDLElement:is(x) end)

signature.functions(sort, { tables = "tables: list" }, "sort_")

signature.kind("table_or_key", "a table's key or a Table", function(x) return type(x) == "string" or Table:is(x) end)

-- A dialect is whatever has its name: the core's, a Dialect, a compiler's.
signature.kind("dialect_name", "a dialect or its name", function(x)
  return type(x) == "string" or class.of(x) ~= nil and type(x.name) == "string"
end)
-- argument_for is a method of the classes themselves.
signature.methods(SchemaItem, { get_dialect_option = "dialect: dialect_name, name: string, options: options?" },
  function(x) return class.extends(x, SchemaItem) end)
signature.methods(collection.OrderedSet)
signature.kind("class", "a class such as sa.Enum", function(x) return type(x) == "table" and rawget(x, "__super") ~= nil end)
signature.methods(MetaData, {
  init = "options: any?",
  get_schema_objects = "kind: class, options: options?",
  get_schema_object_by_name = "kind: class, name: string, options: options?",
  contains = "table: table_or_key",
  remove = "table: table_",
  create_all = "bind: bind?, options: options?",
  drop_all = "bind: bind?, options: options?",
  reflect = "bind: bind?, options: options?",
  append_ddl_listener = "event: string, listener: callable",
})
signature.methods(Table, {
  append_column = "column: any, options: options?",
  insert_column = "column: any, position: integer, options: options?",
  append_constraint = "constraint: item",
  create = "bind: bind?, options: options?",
  drop = "bind: bind?, options: options?",
  set_creator_ddl = "ddl: ddl",
  set_dropper_ddl = "ddl: ddl",
  to_metadata = "metadata: metadata, options: options?",
  add_is_dependent_on = "table: table_",
  append_ddl_listener = "event: string, listener: callable",
})
signature.methods(Column, { append_foreign_key = "foreign_key: foreign_key", references = "column: any" })
signature.methods(Index, { create = "bind: bind?, options: options?", drop = "bind: bind?, options: options?" })
signature.methods(sequence.Sequence, { init = "name: word, options: options?", create = "bind: bind?, options: options?",
  drop = "bind: bind?, options: options?" })
signature.methods(sequence.Identity, { init = "options: options?" })
signature.methods(sequence.Computed, { init = "expression: any, options: options?" })
signature.methods(defaults.FetchedValue, { init = "options: options?" })
signature.methods(defaults.ColumnDefault, { init = "default: any, options: options?" })
signature.kind("schema_name", "a schema's name", function(x) return type(x) == "string" or x == foreign_key.BLANK_SCHEMA end)
signature.methods(foreign_key.ForeignKey, { init = "target: any?, options: options?", references = "table: table_",
  get_referent = "table: table_", copy = "schema: schema_name?, renamed: string?" })
signature.methods(foreign_key.ForeignKeyConstraint, { init = "columns: list, targets: list, options: options?" })
signature.methods(constraint.ColumnCollectionConstraint, { contains_column = "column: any" })
signature.methods(constraint.CheckConstraint)
signature.methods(ddl.DDLElement, { execute_if = "options: options" })
signature.methods(ddl.DDL, { init = "text: string, options: options?" })
