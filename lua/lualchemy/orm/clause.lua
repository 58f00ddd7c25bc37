--- The one place where the mapper's side touches SQL expressions: telling them apart, looking into
-- conditions, rebuilding them, and making the few that mappers need.

local class = require("lualchemy.util.class")
local Column = require("lualchemy.schema.column")
local core = require("lualchemy._core")
local dml = require("lualchemy.sql.dml")
local errors = require("lualchemy.errors")
local sql = require("lualchemy.sql")

local M = {}

M.null = core.null

local from_kinds = { table = true, alias = true, subquery = true, lateral = true, cte = true, tablesample = true,
  table_valued_alias = true, values = true, join = true }

--- Is it a column of a schema (not an attribute that stands for one)?
---@param value any
---@return boolean
function M.is_column(value)
  local class_ = class.of(value)
  return class_ ~= nil and class_._schema_kind == "column"
end

--- Gives a column the name of the attribute it was declared as, unless it has one.
---@param column lualchemy.Column
---@param key string
function M.name_column(column, key)
  if column.name == nil then column.name = key end
end

--- A copy for another table.
---@param column lualchemy.Column
---@return lualchemy.Column
function M.copy_column(column) return column:copy() end

--- When it was constructed, among all schema items.
---@param column lualchemy.Column
---@return integer
function M.creation_order(column) return column._order end

--- Can it stand in FROM?
---@param value any
---@return boolean
function M.is_from(value)
  return from_kinds[core.kind(value)] or false
end

--- The SQL expression that a value is, or nil.
---@param value any
---@return any
function M.expression(value)
  if core.kind(value) == nil then return nil end
  if class.of(value) == nil and type(value) == "table" then return nil end
  return value
end

--- The parts of a condition that AND connects.
---@param condition any
---@return table[]
function M.conjuncts(condition) return core.conjuncts(condition) end

--- The two columns of `column = column`, or nothing.
---@return table? left
---@return table? right
function M.equated_columns(part) return core.equated(part) end

--- The parts connected by AND; one part is itself.
---@param parts table[]
---@return table
function M.conjunction(parts)
  if #parts == 1 then return parts[1] end
  return sql.and_(table.unpack(parts))
end

--- The parts connected by OR; one part is itself.
---@param parts table[]
---@return table
function M.either(parts)
  if #parts == 1 then return parts[1] end
  return sql.or_(table.unpack(parts))
end

--- The expressions with commas between them, as ORDER BY takes them.
function M.list(expressions) return core.list("list", "COMMA", expressions) end

--- A statement given as text.
function M.text(text) return sql.text(text) end

--- SQL text as it is, where an expression goes.
function M.verbatim(text) return sql.literal_column(text) end

function M.false_() return sql.false_() end

--- NOT
function M.not_(condition) return sql.not_(condition) end

--- A condition whose opposite is not simply NOT of it.
function M.with_negation(condition, negation) return core.view(condition, getmetatable(condition), { negation = negation }) end

--- The expression with `fn(column)` in place of each column.
---@param expression table
---@param fn fun(column: table): table
---@return table
function M.replace(expression, fn)
  return core.replace(expression, function(node)
    if core.kind(node) ~= "column" then return nil end
    local other = fn(node)
    return not rawequal(other, node) and other or nil
  end)
end

--- An expression of a class's own, as an alias of the class has it: `fn(column)` in place of each column, `to` in place of
-- the table `from`; a label is the alias's own.
---@param expression table
---@param fn fun(column: table): table
---@param from table
---@param to table
function M.adapt_expression(expression, fn, from, to)
  local labelled = core.kind(expression) == "label"
  local adapted = core.replace(labelled and core.get(expression, "element") or expression, function(node)
    local kind = core.kind(node)
    local other = kind == "column" and fn(node) or kind == "table" and rawequal(node, from) and to or node
    return not rawequal(other, node) and other or nil
  end)
  return labelled and core.label(adapted, nil) or adapted
end

--- What a mapped expression is selected and ordered by: an SQL expression under a label of its own.
---@param expression table
---@return table
function M.labelled(expression)
  local kind = core.kind(expression)
  return (kind == "column" or kind == "label") and expression or core.label(expression, nil)
end

--- A criterion as it was given to `where`-like methods; refuses what cannot be one.
---@param value any
---@param where string   for the message
---@return any
function M.criterion(value, where)
  local make = type(value) == "table" and getmetatable(value) and getmetatable(value).__criterion
  if make then return make(value) end
  if core.kind(value) == nil and type(value) ~= "string" then
    errors.raise("ArgumentError", "%s takes SQL expressions; got %s%s", where, value == nil and "nil" or ("%s (a %s)"):format(tostring(value), type(value)),
      type(value) == "boolean" and ". Did you write == instead of :eq()? Lua turns every comparison into a boolean" or "")
  end
  return value
end

--- A value for a comparison: `sa.null` compares with NULL.
function M.value(value)
  if M.is_null(value) then return nil end
  return value
end

---@return boolean
function M.is_null(value)
  return rawequal(value, core.null)
end

--- A parameter that holds a value of a column's type.
---@param value any
---@param column table
---@param name string?   what its generated name begins with
function M.bind(value, column, name)
  return sql.bindparam(name, value, { type_ = column.type, unique = true })
end

--- The same where the value is asked for at each execution.
---@param callable fun(): any
---@param column table
---@param name string?
function M.late_bind(callable, column, name)
  return sql.bindparam(name, { callable_ = callable, type_ = column.type, unique = true })
end

--- A parameter to be given a value of a column's type when the statement is executed.
---@param name string
---@param column table
function M.parameter(name, column)
  return sql.bindparam(name, { type_ = column.type })
end

-- A column stands for one and all that this comes from.
local function add_origins(origins, column, origin)
  while origin do
    local id = core.id(origin)
    origins[id] = origins[id] or column
    origin = core.get(origin, core.kind(origin) == "label" and "element" or "origin")
  end
end

local named = { alias = true, subquery = true, cte = true, lateral = true }

-- The selects of a union that stands in FROM under one name or several.
local function members_of(from)
  local element = from
  while named[core.kind(element)] do element = core.get(element, "element") end
  return core.kind(element) == "compound" and core.compound_members(element) or {}
end

-- Which column of a FROM stands for which: every column it comes from, by the node's identity; nearest first. Those of a
-- union come from every member's.
local function origins_of(from)
  local origins, columns = {}, core.from_columns(from)
  for _, column in ipairs(columns) do add_origins(origins, column, column) end
  for _, member in ipairs(members_of(from)) do
    for i, origin in ipairs(core.from_columns(member)) do add_origins(origins, columns[i], origin) end
  end
  return origins
end

local known_origins = setmetatable({}, { __mode = "k" })

--- The column of a FROM that stands for a column of what it is made from; by name only if asked.
---@param from table
---@param column table
---@param by_name boolean?
---@return table?
function M.corresponding_column(from, column, by_name)
  local origins = known_origins[from]
  if not origins then
    origins = origins_of(from)
    known_origins[from] = origins
  end
  local found = origins[core.id(column)]
  if found == nil and by_name then
    for _, candidate in ipairs(core.from_columns(from)) do
      if candidate.key == column.key then return candidate end
    end
  end
  return found
end

--- EXISTS (SELECT 1 FROM froms WHERE criteria), correlated to whatever else encloses it.
---@param criteria table[]
---@param froms table[]
---@param of_entities table[]   criteria of entities, which apply as well
function M.exists(criteria, froms, of_entities)
  local statement = sql.select(sql.literal_column("1")):select_from(table.unpack(froms)):where(M.conjunction(criteria))
    :correlate_except(table.unpack(froms))
  for _, criterion in ipairs(of_entities) do statement = M.about(statement, criterion) end
  return sql.exists(statement)
end

--- EXISTS over a query's select.
function M.exists_of(statement)
  return sql.exists(M.narrow(core.select_keep_froms(statement), { sql.literal_column("1") }))
end

--- The SQL element NULL.
function M.null_element() return core.null() end

--- INSERT, UPDATE, DELETE of a table
function M.insert(table_) return sql.insert(table_) end
function M.update(table_) return sql.update(table_) end
function M.delete(table_) return sql.delete(table_) end

--- Several statements as one: `word` is "union" and the like.
function M.compound(word, first, others) return sql[word](first, table.unpack(others)) end

--- SELECT count(*) FROM (statement)
function M.count_of(statement)
  return sql.select(sql.func.count(sql.literal_column("*"))):select_from(statement:order_by(nil):subquery())
end

--- What the foreign keys say of how two tables join.
function M.join_condition(left, right) return core.join_condition(left, right) end

--- An expression under a name.
function M.label(expression, name) return expression:label(name) end

--- NULL as a value of a type, cast to it or not.
function M.null_of(type_, cast)
  if cast then return sql.cast(core.null(), type_) end
  return sql.type_coerce(core.null(), type_)
end

--- A constant that stands in the text.
function M.quoted_literal(value)
  return sql.literal_column(type(value) == "string" and "'" .. value:gsub("'", "''") .. "'" or tostring(value))
end

--- Columns compared together; one is itself.
function M.tuple(columns)
  if #columns == 1 then return columns[1] end
  return sql.tuple_(table.unpack(columns))
end

--- `expression IN (values)`
function M.in_list(expression, values) return expression:in_(values) end

--- A join of two things that stand in FROM.
function M.join(left, right, on, options) return sql.join(left, right, on, options) end

-- INSERT, UPDATE and DELETE by kind: what makes them, and their classes.
local statement_makers = {
  insert = core.insert, update = core.update, delete = core.delete,
  upsert = function(table_) return dml.upsert(table_) end, several = function(table_) return dml.upsert(table_, true) end,
}
local statement_classes = { insert = dml.Insert, update = dml.Update, delete = dml.Delete, upsert = dml.Upsert, several = dml.Several }

--- "insert", "update", "delete", and with ON CONFLICT "upsert", "several", for a table.
function M.statement(kind, table_) return statement_makers[kind](table_) end

--- The class of such a statement.
function M.statement_base(kind) return statement_classes[kind] end

--- A class of statements on top of one of those.
function M.statement_class(super, members)
  local made = super:extend(rawget(super, "__name"), members)
  require("lualchemy.sql.base").register(made)
  return made
end

--- Is it an INSERT, UPDATE or DELETE?
function M.is_statement(value) return dml.UpdateBase:is(value) end

---@param columns table[]
function M.select(columns)
  return sql.select(table.unpack(columns))
end

--- The same select with every column labelled `table_column`.
function M.label_columns(statement)
  local set = statement.set_label_style
  return type(set) == "function" and set(statement, sql.LABEL_STYLE_TABLENAME_PLUS_COL) or statement
end

--- What the expression is called in a row: an attribute's or a column's key, a label's name.
---@param expression table
---@return string?
function M.result_name(expression)
  return expression.key or expression.name
end

--- What the columns of an expression belong to, if that is one thing.
---@param expression table
---@return table?
function M.from_of(expression)
  local found
  for _, column in ipairs(core.columns_in(expression)) do
    local of = column.table
    if found and of and not rawequal(found, of) then return nil end
    found = found or of
  end
  return found
end

--- The core's handle of what stands in FROM.
---@param from table
---@return userdata
function M.node_of(from)
  return type(from) == "table" and rawget(from, "_node") or from
end

--- What a SELECT lists for an entity: its columns, and the token that `selected_parts` gives back for it.
---@param token table
---@param columns table[]
---@return userdata
---@param from table?       what stands in FROM for the columns' tables
---@param criteria table?   what holds for its rows beside the user's criteria
---@param keys string[]?     what a subquery's `.c` calls the columns; nil: by their own keys
function M.entity(token, columns, from, criteria, keys) return core.entity_new(token, columns, from, criteria, keys) end

--- An expression in which the columns of a mapped class say that they are the class's; subqueries stay as they are.
---@param expression table
---@param mapper lualchemy.orm.Mapper
---@param from table?
---@param criterion table?
function M.of_entity(expression, mapper, from, criterion)
  return core.replace(expression, function(node)
    local kind = core.kind(node)
    if kind == "scalar" then return node end
    if kind ~= "column" or not mapper.property_of_column[core.get(node, "base")] then return nil end
    return core.view(node, getmetatable(node), { _columns = M.entity({}, { node }, from, criterion) })
  end)
end

--- The select with a criterion of an entity that it joins from, once if the entity is listed or joined to as well.
---@param statement lualchemy.Select
---@param criterion table
function M.about(statement, criterion) return core.select_about(statement, M.entity({}, {}, nil, criterion)) end

--- A join that brings a criterion to WHERE where a select takes its rows from it.
---@param join table
---@param criterion table?
function M.join_about(join, criterion)
  return criterion and core.view(join, getmetatable(join), { _about = M.entity({}, {}, nil, criterion) }) or join
end

--- The select with other columns; the mapped classes it listed still say where its rows come from and which they are.
function M.narrow(statement, columns)
  return core.select_keep_entities(statement:with_only_columns(table.unpack(columns)), statement)
end

--- Is it a join?
function M.is_join(from) return core.kind(from) == "join" end

--- Is it a statement that stands in FROM?
function M.is_subquery(from)
  local kind = core.kind(from)
  return kind == "subquery" or kind == "cte"
end

--- A FROM under another, anonymous name; a join as a join of aliases.
function M.anonymous(from) return from:alias(nil, { flat = true }) end

--- What a select was told to select: the tokens of entities, and expressions; nil where none of it is called otherwise than Core would.
---@param statement any
---@return any[]?
function M.selected_parts(statement)
  local parts, any = core.selected_parts(statement), false
  for i, part in ipairs(parts or {}) do
    local token = core.entity_object(part)
    if token and (token.entity or token.bundle or token.name) then any = true end
    if token then parts[i] = token end
  end
  return any and parts or nil
end

--- The token of an entity that a statement lists, or nil.
function M.entity_token(part) return core.entity_object(part) end

local function remove_members(join, members)
  local left, right = core.join_parts(join)
  for _, part in ipairs { left, right } do
    members[core.id(part)] = true
    if core.kind(part) == "join" then remove_members(part, members) end
  end
end

--- Adds what the columns of a select come from by themselves: tables, and joins as wholes.
---@param statement lualchemy.Select
---@param list table[]
function M.add_selected_froms(statement, list)
  local parts, members = core.selected_parts(statement) or {}, {}
  local froms = #parts > 0 and core.froms(core.select(table.unpack(parts))) or {}
  for _, from in ipairs(froms) do
    if core.kind(from) == "join" then remove_members(from, members) end
  end
  for _, from in ipairs(froms) do
    if not members[core.id(from)] then list[#list + 1] = from end
  end
end

--- Is it the token of a class attribute that is called otherwise than its column: `expression` under `name`?
---@param value any
---@return boolean
function M.is_named_expression(value)
  return type(value) == "table" and getmetatable(value) == nil and value.expression ~= nil and value.name ~= nil
end

--- What decides whether a join may multiply the rows of a select: `limited`, `distinct`, `grouped`; and its `order_by`.
function M.select_shape(statement) return core.select_shape(statement) end

--- The loader options a select was given.
---@return any[]?
function M.loader_options(statement)
  local given = core.execution_options(statement)
  return given and given[sql.LOADER_OPTIONS]
end

--- The execution options a statement was given, or nil.
---@return table?
M.execution_options = core.execution_options

--- The columns of a FROM, in their order.
---@return table[]
function M.columns_of(from) return core.from_columns(from) end

--- `columns IN (:name)`, the parameter a list of values, or of lists where there are several columns.
---@param columns table[]
---@param name string
function M.in_parameter(columns, name)
  if #columns == 1 then return columns[1]:in_(sql.bindparam(name, { expanding = true, type_ = columns[1].type })) end
  return sql.tuple_(table.unpack(columns)):in_(sql.bindparam(name, { expanding = true }))
end

M.kind = core.kind

--- What tells nodes apart.
M.id = core.id

--- Are two handles the same node?
function M.same(a, b) return core.id(a) == core.id(b) end

--- The table that stands in FROM, itself or under an alias; nil for anything else.
function M.base_of(from)
  if core.kind(from) == "alias" then from = core.get(from, "element") end
  return core.kind(from) == "table" and from or nil
end

--- What a select was told to take its rows from: `select_from`, and the joins.
---@return table[] froms
---@return table[] joins
function M.sources(statement)
  local sources = core.select_sources(statement)
  return sources.froms, sources.joins
end

--- A copy with other sources.
function M.with_sources(statement, froms, joins) return core.select_with_sources(statement, froms, joins) end

--- Everything a select takes rows from, said or implied by its columns and criteria.
function M.froms(statement) return core.froms(statement) end

--- The left side (nil where the statement is to find it), the right side and the condition of a join.
function M.join_parts(join) return core.join_parts(join) end

--- Every table under its own name in what stands in FROM, from left to right.
---@param from table
---@param list table[]?   what to add them to
---@return table[]
function M.tables_joined(from, list)
  list = list or {}
  if M.is_join(from) then
    local left, right = M.join_parts(from)
    M.tables_joined(left, list)
    M.tables_joined(right, list)
  elseif M.kind(from) == "table" then
    list[#list + 1] = from
  end
  return list
end

--- A copy of a join with other parts.
function M.join_with(join, left, right, on) return core.join_with(join, left, right, on) end

--- The condition that foreign keys give.
function M.join_condition(left, right) return core.join_condition(left, right) end

--- The statement that a subquery or a CTE in FROM stands for; nil for anything else, and for a recursive CTE.
function M.statement_in(from)
  local kind = core.kind(from)
  if kind ~= "subquery" and kind ~= "lateral" and kind ~= "cte" then return nil end
  local statement = core.get(from, "element")
  return not (kind == "cte" and core.kind(statement) == "compound") and statement or nil
end

--- The statement with other statements in subqueries of its FROM: `others` gives one for the `core.id` of each that has one.
---@param statement any
---@param others table<any, table>   { from =, statement = }
function M.exchange_subqueries(statement, others)
  local by_id = {}
  for id, other in pairs(others) do
    local made = core.alias_set(other.from, { element = other.statement })
    by_id[id] = made
    local columns = core.from_columns(made)
    for i, column in ipairs(core.from_columns(other.from)) do by_id[core.id(column)] = columns[i] end
  end
  return core.replace(statement, function(node) return by_id[core.id(node)] end)
end

local closed = { alias = true, subquery = true, cte = true, lateral = true, values = true, tablesample = true }

--- The expression with `fn(column)` in place of each column; what stands in FROM under a name of its own stays.
---@param expression table
---@param fn fun(column: table): table
---@return table
function M.replace_outside(expression, fn)
  return core.replace(expression, function(node)
    local kind = core.kind(node)
    if closed[kind] then return node end
    local other = kind == "column" and fn(node) or node
    return not rawequal(other, node) and other or nil
  end)
end

--- The statement with `fn(select)` in place of each select in its expressions; what stands in FROM stays.
function M.replace_selects(statement, fn)
  local root = core.id(statement)
  return core.replace(statement, function(node)
    local kind = core.kind(node)
    if closed[kind] then return node end
    if kind == "select" and core.id(node) ~= root then return fn(node) end
  end)
end

--- Compiles a statement as it stands.
function M.compile(statement, ...) return sql.ClauseElement.compile(statement, ...) end

--- The place of an expression in a list, by identity.
---@param list table[]
---@param expression any
---@return integer?
function M.position(list, expression)
  local id = core.id(expression)
  for i, known in ipairs(list) do
    if core.id(known) == id then return i end
  end
end

local ordering = { DESC = true, ASC = true, NULLS_FIRST = true, NULLS_LAST = true }

--- What the elements of an ORDER BY order by: `{ whole =, label =, expression = without DESC, a label and the like, is_name = }`.
---@param order_by table[]
---@return table[]
function M.order_parts(order_by)
  local parts = {}
  for i, whole in ipairs(order_by) do
    local expression = whole
    while core.kind(expression) == "unary" and ordering[core.get(expression, "op")] do expression = core.get(expression, "element") end
    local label = core.kind(expression) == "label" and expression or nil
    if label then expression = core.get(label, "element") end
    parts[i] = { whole = whole, label = label, expression = expression, is_name = core.kind(expression) == "label_name" or core.kind(expression) == "text" }
  end
  return parts
end

--- The expression with one part of it exchanged.
function M.exchange(expression, part, other)
  local id = core.id(part)
  if core.id(expression) == id then return other end
  return core.replace(expression, function(node)
    if core.id(node) == id then return other end
  end)
end

-- A class attribute: a view of its column, with the methods of every expression. What schema code asks
-- of a column, it asks of `element`.
local getters = {
  key = function(attribute) return core.fields(attribute).key end,
}
for _, name in ipairs({ "name", "type", "table", "foreign_keys", "primary_key", "nullable", "default", "info", "comment" }) do
  getters[name] = function(attribute)
    local of = core.fields(attribute).element
    if of ~= nil then return of[name] end
    return Column.__super.__index(attribute, name)      -- a copy with other parameters
  end
end

local Attribute = Column.__super:extend("InstrumentedAttribute", {
  __getters = getters, __clause_element__ = function(attribute) return core.fields(attribute).element end,
})
Attribute.__newindex = core.newindex

function Attribute:__tostring()
  if not self.parent then return Column.__super.__tostring(self) end    -- a copy with other parameters
  return ("%s.%s"):format(self.parent.class_name or tostring(self.parent), self.key)
end

--- A column as a class attribute: the same node with `property`, `parent`, `key` and `class_`.
---@param column table
---@param fields table
---@param class_ table?   a class of attributes of the user's own (`comparator_factory`)
function M.attribute(column, fields, class_)
  fields.element = column
  return core.view(column, class_ or Attribute, fields)
end

--- An expression as a class attribute: in a SELECT's list it bears the attribute's name. What is no column expression
--- (a relationship, a comparator) is itself.
---@param expression any
---@param fields table
function M.named_attribute(expression, fields)
  local kind = core.kind(expression)
  if kind == nil or type(expression) == "table" then return expression end
  if kind ~= "column" and kind ~= "label" and type(expression.label) == "function" then expression = expression:label(fields.key) end
  return M.attribute(expression, fields)
end

-- Marks of columns in a join condition are labels, which conditions do not show, of names that no column has.
local FOREIGN, REMOTE = "(foreign)", "(remote)"

local function mark(column, name)
  local expression = M.expression(column)
  if expression == nil or type(expression.label) ~= "function" then
    errors.raise("ArgumentError", "%s marks a column of a join condition; got %s", name, tostring(column))
  end
  local known = core.kind(expression) == "label" and expression.name or ""
  return expression:label(known .. name)
end

--- `orm.foreign(column)` in a relationship's condition: the column that holds the reference.
function M.foreign(column) return mark(column, FOREIGN) end

--- `orm.remote(column)` in a relationship's condition: the column of the other side.
function M.remote(column) return mark(column, REMOTE) end

-- The column that a mark is about and what it says of it; nil for anything else.
local function marked_column(node)
  if core.kind(node) ~= "label" then return nil end
  local name = node.name
  if type(name) ~= "string" then return nil end
  local is_foreign, is_remote = name:find(FOREIGN, 1, true) ~= nil, name:find(REMOTE, 1, true) ~= nil
  if not is_foreign and not is_remote then return nil end
  return node.element, is_foreign, is_remote
end

--- A condition without its marks, and the columns that bore them.
---@param condition table
---@return table condition
---@return table<table, boolean> foreign
---@return table<table, boolean> remote
function M.take_marks(condition)
  local foreign, remote = {}, {}
  local bare = core.replace(condition, function(node)
    local column, is_foreign, is_remote = marked_column(node)
    if is_foreign then foreign[column] = true end
    if is_remote then remote[column] = true end
    return column
  end)
  return bare, foreign, remote
end

--- A condition without its marks, with `fn(column, is_foreign, is_remote)` in place of each column.
---@param condition table
---@param fn fun(column: table, is_foreign: boolean, is_remote: boolean): table
---@return table
function M.replace_marked(condition, fn)
  return core.replace(condition, function(node)
    local column, is_foreign, is_remote = marked_column(node)
    if column then return fn(column, is_foreign, is_remote) end
    if core.kind(node) ~= "column" then return nil end
    local other = fn(node, false, false)
    return not rawequal(other, node) and other or nil
  end)
end

--- The property that a class attribute stands for, or nil.
---@param attribute any
---@return lualchemy.orm.MapperProperty?
function M.attribute_property(attribute)
  if type(attribute) == "userdata" then return core.fields(attribute).property end
  return rawget(attribute, "property")
end

--- What class attributes of columns are; the base of the user's own.
M.Attribute = Attribute

return M
