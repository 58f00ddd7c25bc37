--- `require "lualchemy.orm"`: the object-relational half's public names.

local assign = require("lualchemy.orm.assign")
local clause = require("lualchemy.orm.clause")
local collections = require("lualchemy.orm.collections")
local compile = require("lualchemy.orm.loading.compile")
local factory = require("lualchemy.orm.factory")
local FromStatement = require("lualchemy.orm.from_statement")
local joins = require("lualchemy.orm.joins")
local late = require("lualchemy.orm.late")
local loading = require("lualchemy.orm.loading")
local options = require("lualchemy.orm.options")
local property = require("lualchemy.orm.property")
local registry = require("lualchemy.orm.registry")
local relationship = require("lualchemy.orm.relationship")
local session = require("lualchemy.orm.session")
local signature = require("lualchemy.signature")
local sql = require("lualchemy.sql")
local types = require("lualchemy.types")

require("lualchemy.orm.loading.lazy")
require("lualchemy.orm.loading.immediate")
require("lualchemy.orm.loading.joined")
require("lualchemy.orm.loading.routed")
require("lualchemy.orm.loading.raise")
require("lualchemy.orm.loading.none")
require("lualchemy.orm.namespace")

for _, name in ipairs { "selectin", "subquery", "batch", "dynamic", "write_only" } do loading.register_file(name) end

require("lualchemy.engine.inspect").add(require("lualchemy.orm.inspect").inspect)

sql.on_prepare(compile.prepare)

--- What the select asks for, read from the rows of another statement.
---@param statement any
---@return lualchemy.orm.FromStatement
function sql.Select:from_statement(statement) return FromStatement(self, statement) end

require("lualchemy.orm.signatures")

local marks = { foreign = clause.foreign, remote = clause.remote }
late.functions = setmetatable({}, { __index = function(_, name) return marks[name] or sql[name] or types[name] end })

-- What extensions add to these names, reached by name so that nothing here depends on them.
local folder = "lualchemy.ext."
local extensions = { hybrid_property = "hybrid", hybrid_method = "hybrid", association_proxy = "association_proxy",
  ordering_list = "ordering_list", automap_base = "automap", DeferredReflection = "deferred_reflection",
  active_record = "active_record" }

---@class lualchemy.orm   its names: _meta/orm.lua
local M = setmetatable(signature.module {
  mapper = require("lualchemy.orm.mapper"),
  class_mapper = registry.class_mapper,
  configure_mappers = registry.configure_mappers,
  EXT_SKIP = require("lualchemy.orm.events").EXT_SKIP,
  EXT_CONTINUE = require("lualchemy.orm.events").EXT_CONTINUE,
  clear_mappers = registry.clear_mappers,
  declarative_base = require("lualchemy.orm.declarative").declarative_base,
  DeclarativeBase = require("lualchemy.orm.declarative").DeclarativeBase,
  relationship = relationship.relationship,
  relation = relationship.relationship,
  foreign = clause.foreign,
  remote = clause.remote,
  backref = relationship.backref,
  registry = registry.Registry,
  declared_attr = require("lualchemy.orm.declarative").declared_attr,
  synonym = require("lualchemy.orm.synonym").synonym,
  validates = require("lualchemy.orm.attribute_events").validates,
  assign = assign.assign,
  collections = collections,
  attribute_keyed_dict = collections.map,
  keyfunc_mapping = collections.map,
  column_keyed_dict = collections.column_keyed_dict,
  composite = require("lualchemy.orm.composite").composite,
  ColumnProperty = property.ColumnProperty,
  CompositeProperty = require("lualchemy.orm.composite").CompositeProperty,
  RelationshipProperty = relationship.RelationshipProperty,
  column_property = property.column_property,
  deferred = property.deferred,
  mapped_column = property.mapped_column,
  aliased = require("lualchemy.orm.aliased").aliased,
  polymorphic_union = require("lualchemy.orm.inheritance.union").polymorphic_union,
  ConcreteBase = { __unites_tables__ = true },      -- a mixin for declarative classes
  AbstractConcreteBase = require("lualchemy.orm.inheritance.abstract_concrete").AbstractConcreteBase,
  selectin_polymorphic = require("lualchemy.orm.loading.selectin_polymorphic").selectin_polymorphic,
  with_polymorphic = require("lualchemy.orm.inheritance.with_polymorphic").with_polymorphic,
  Load = options.Load,
  joinedload = options.joinedload,
  eagerload = options.joinedload,
  selectinload = options.selectinload,
  subqueryload = options.subqueryload,
  immediateload = options.immediateload,
  lazyload = options.lazyload,
  noload = options.noload,
  defaultload = options.defaultload,
  raiseload = options.raiseload,
  batchload = options.batchload,
  contains_eager = options.contains_eager,
  load_only = options.load_only,
  defer = options.defer,
  undefer = options.undefer,
  undefer_group = options.undefer_group,
  with_loader_criteria = require("lualchemy.orm.loading.criteria").with_loader_criteria,
  query_expression = require("lualchemy.orm.loading.expressions").query_expression,
  with_expression = options.with_expression,
  Bundle = require("lualchemy.orm.bundle"),
  join = joins.join,
  outerjoin = joins.outerjoin,
  with_parent = require("lualchemy.orm.comparator").with_parent,
  Mapper = require("lualchemy.orm.mapper"),
  Query = require("lualchemy.orm.query"),
  Session = session.Session,
  sessionmaker = factory.sessionmaker,
  create_session = factory.create_session,
  scoped_session = factory.scoped_session,
  object_session = session.object_session,
  object_mapper = function(object) return require("lualchemy.orm.inspect").state(object).mapper end,
  make_transient = session.make_transient,
  make_transient_to_detached = session.make_transient_to_detached,
  close_all_sessions = session.close_all_sessions,
  to_table = require("lualchemy.orm.plain").to_table,
  attributes = require("lualchemy.orm.attributes"),
  exc = require("lualchemy.orm.exc"),
}, {
  extensions = extensions,
  __index = function(orm, name)
    local extension = extensions[name]
    if not extension then return nil end
    orm[name] = require(folder .. extension)[name]
    return orm[name]
  end,
})

return M
