--- What the functions and methods of the object-relational half take, where they do not check it by themselves.

local Mapper = require("lualchemy.orm.mapper")
local Query = require("lualchemy.orm.query")
local Bundle = require("lualchemy.orm.bundle")
local aliased = require("lualchemy.orm.aliased")
local assign = require("lualchemy.orm.assign")
local binds = require("lualchemy.orm.binds")
local comparator = require("lualchemy.orm.comparator")
local composite = require("lualchemy.orm.composite")
local declarative = require("lualchemy.orm.declarative")
local load_options = require("lualchemy.orm.options")
local factory = require("lualchemy.orm.factory")
local loader_criteria = require("lualchemy.orm.loading.criteria")
local property = require("lualchemy.orm.property")
local registry = require("lualchemy.orm.registry")
local relationship = require("lualchemy.orm.relationship")
local session = require("lualchemy.orm.session")
local signature = require("lualchemy.signature")
local SessionTransaction = require("lualchemy.orm.transaction")

local Session = session.Session

signature.kind("mapper_options", "a table of options", function(x) return type(x) == "table" end)
signature.kind("session_options", "a table of options or an Engine", function(x) return type(x) == "table" end)
signature.kind("session", "a Session", function(x) return type(x) == "table" and x._c ~= nil end)
signature.kind("mapped", "a mapped class", function(x) return type(x) == "table" end)
signature.kind("class_name", "a class or its name", function(x)
  return type(x) == "table" or type(x) == "string" or type(x) == "function" or type(x) == "userdata"
end)

signature.functions(relationship, { relationship = "target: class_name, options: options?", backref = "name: string, options: options?" })
signature.functions(declarative, { declarative_base = "options: options?" })
signature.functions(factory, { create_session = "bind: session_options?, options: options?" })
signature.functions(aliased, { aliased = "class: any, name: any?, options: options?" })

signature.functions(assign, { assign = "object: table, values: table" })
signature.functions(loader_criteria, { with_loader_criteria = "entity: any, criterion: any, options: options?" })

signature.methods(Session, {
  add_all = "objects: list",
  begin = "function: callable?",
  begin_nested = "function: callable?",
  execute = "statement: any, parameters: any?, options: options?",
  scalar = "statement: any, parameters: any?, options: options?",
  scalars = "statement: any, parameters: any?, options: options?",
  preload = "objects: table",
  get_or_create = "class: mapped, values: table",
  bulk_insert_mappings = "class: mapped, rows: list, options: options?",
  bulk_update_mappings = "class: mapped, rows: list",
  bulk_save_objects = "objects: list, options: options?",
  no_autoflush = "function: callable",
  connection = "options: options?",
  get_bind = "mapper: class_name?",
})
signature.kind("session_bind", "an Engine or a Connection", binds.is_bind)
signature.methods(SessionTransaction, { connection = "bind: session_bind",
  connection_for = "bind: session_bind, statement: any?, options: options?" })
signature.methods(Query, {
  init = "entities: any?, options: options?",
  execution_options = "options: options",
  filter_by = "values: table?",
  get_by = "values: table?",
  select_by = "values: table?",
  params = "values: table",
  select = "criterion: any?, options: options?",
  selectfirst = "criterion: any?, options: options?",
  slice = "start: integer?, stop: integer?",
  delete = "options: options?",
  join = "target: any, on: any?, options: options?",
  keyset_page = "options: options",
  outerjoin = "target: any, on: any?, options: options?",
  subquery = "name: any?, options: options?",
  update = "values: table, options: options?",
  with_session = "session: session?",
  with_transformation = "transform: callable",
  yield_per = "count: integer?",
})
signature.methods(composite.CompositeProperty.Comparator, { in_ = "values: list" })
signature.functions(comparator, { with_parent = "object: any, attribute: any?, options: options?" })
signature.methods(comparator.RelationshipAttribute, { any = "criterion: any?, values: options?",
  has = "criterion: any?, values: options?" })
local loads = {}
for name, method in pairs(load_options.Load) do
  if type(method) == "function" and name:find("load$") or name == "contains_eager" then loads[name] = "attribute: any, ...: any?" end
end
loads.load_only = nil
signature.methods(load_options.Load, loads)
signature.methods(registry.Registry, { add_class = "name: string, class: table",
  init = "options: options?", map_imperatively = "class: any, table: any?, options: options?",
  generate_base = "options: options?", configure = "options: options?", dispose = "options: options?" })
signature.methods(Bundle, { create_row_processor = "query: any?, procs: list, labels: list" })
signature.methods(property.ColumnProperty, { init = "columns: list, options: options?" })
signature.methods(Mapper, { init = "class: any, table: any?, options: options?", add_property = "key: string, property: any" })
signature.methods(property.MapperProperty)
signature.methods(relationship.RelationshipProperty, { init = "target: any, options: options?" })
signature.methods(factory.sessionmaker, { init = "bind: session_options?, options: options?", configure = "options: options", begin = "function: callable",
  run_transaction = "function: callable, options: options?" })
signature.methods(factory.scoped_session, { init = "factory: callable, options: options?", configure = "options: options" })
