--- Runs a random program twice at once: on a session, and on a model of plain tables that says what must come out.
--
-- A program is a list of steps, each four whole numbers: which operation, and three choices that the operation reads modulo
-- what there is to choose from. So any part of a program is a program, which is what makes shrinking easy.

local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local schema = require("spec.model.schema")

local Machine = {}
Machine.__index = Machine

local KINDS = { "User", "Tag", "Node", "Company", "Address", "Address", "Node", "Employee", "Engineer", "Manager", "Senior", "Passport", "Vehicle",
  "Boat" }
local ROOTS = { "User", "Address", "Tag", "Node", "Company", "Employee", "Engineer", "Passport", "Vehicle", "Boat" }

local function new(engine)
  return setmetatable({ engine = engine, session = orm.Session { bind = engine }, live = {}, snapshots = {}, log = {} }, Machine)
end

local function check(condition, format, ...)
  if not condition then error(format:format(...), 0) end
end

-- -- the model --------------------------------------------------------------------------------------------------------------
-- An item: { kind =, object =, id =, values = {}, parent = item, favourite = item, tags = { [item] = true } }; `live` has all that are
-- not deleted. `tags` are a user's tags and the friends of a node.

local function is_a(item, kind) return item.kind == kind or schema.within[kind] ~= nil and schema.within[kind][item.kind] ~= nil end

function Machine:of_kind(kind, condition)
  local list = {}
  for _, item in ipairs(self.live) do
    if (not kind or is_a(item, kind)) and (not condition or condition(item)) then list[#list + 1] = item end
  end
  return list
end

local function choose(list, number) return #list > 0 and list[number % #list + 1] or nil end

-- Those by one relationship, or all.
local function children_of(self, item, relationship)
  return self:of_kind(nil, function(child)
    return child.parent == item and (relationship == nil or schema.parents[child.kind] == relationship)
  end)
end

local function is_below(item, other)
  while item do
    if item == other then return true end
    item = item.kind == "Node" and item.parent or nil
  end
  return false
end

function Machine:snapshot()
  local copy = { live = table.move(self.live, 1, #self.live, 1, {}), fields = {} }
  for _, item in ipairs(self.live) do
    local values, tags = {}, {}
    for key, value in pairs(item.values) do values[key] = value end
    for tag in pairs(item.tags) do tags[tag] = true end
    copy.fields[item] = { values = values, tags = tags, parent = item.parent, favourite = item.favourite, id = item.id }
  end
  return copy
end

function Machine:restore(copy)
  self.live = table.move(copy.live, 1, #copy.live, 1, {})
  for item, fields in pairs(copy.fields) do
    item.parent, item.favourite, item.id, item.values, item.tags = fields.parent, fields.favourite, fields.id, {}, {}
    for key, value in pairs(fields.values) do item.values[key] = value end
    for tag in pairs(fields.tags) do item.tags[tag] = true end
  end
end

function Machine:forget(gone)
  local kept = {}
  for _, item in ipairs(self.live) do
    if item ~= gone then kept[#kept + 1] = item end
    item.tags[gone] = nil
    if item.parent == gone then item.parent = nil end
    if item.favourite == gone then item.favourite = nil end
  end
  self.live = kept
end

-- -- objects and items ------------------------------------------------------------------------------------------------------

-- The object of an item, looked up again if the program has dropped it.
function Machine:object(item)
  if not item.object then
    item.object = self.session:get(schema.classes[schema.root[item.kind] or item.kind], item.id)
    check(item.object, "%s %s is not in the database", item.kind, item.id)
  end
  return item.object
end

local function ids(list)
  local out = {}
  for _, object in ipairs(list) do out[#out + 1] = tostring(object.id or object.name) end
  table.sort(out)
  return table.concat(out, " ")
end

local function same_members(self, what, collection, items)
  local objects, expected = {}, {}
  for _, object in ipairs(collection) do
    check(not objects[object], "%s holds an object twice", what)
    objects[object] = true
  end
  for _, item in ipairs(items) do expected[#expected + 1] = self:object(item) end
  local same = #collection == #expected
  for _, object in ipairs(expected) do same = same and objects[object] end
  check(same, "%s holds {%s}, the model {%s}", what, ids(collection), ids(expected))
end

-- What an object has in memory, or loads, against the model.
function Machine:check_object(item)
  local object, name = self:object(item), ("%s %s"):format(item.kind, tostring(item.id))
  check(getmetatable(object) == schema.classes[item.kind], "%s is of another class", name)
  for _, column in ipairs(schema.columns[item.kind]) do
    check(object[column] == item.values[column], "%s.%s is %s, in the model %s", name, column, tostring(object[column]),
      tostring(item.values[column]))
  end
  local up = schema.parents[item.kind]
  if up then
    local parent = object[up.key]
    check(parent == (item.parent and self:object(item.parent)), "%s.%s is another object", name, up.key)
  end
  for child, down in pairs(schema.parents) do
    if item.kind == down.kind and not schema.root[child] then
      local held, children = object[down.list], children_of(self, item, down)
      same_members(self, name .. "." .. down.list, down.single and { held } or held, children)
    end
  end
  self:check_many(item, object, name)
end

function Machine:check_many(item, object, name)
  for kind, relationships in pairs(schema.many) do
    for key, many in pairs(relationships) do
      if item.kind == kind then
        same_members(self, name .. "." .. key, object[key], self:of_kind(many.kind, function(other) return item.tags[other] end))
      end
      if item.kind == many.kind then
        same_members(self, name .. "." .. many.back, object[many.back], self:of_kind(kind, function(other) return other.tags[item] end))
      end
    end
  end
  if item.kind ~= "Node" then return end
  check(object.favourite == (item.favourite and self:object(item.favourite)), "%s.favourite is another object", name)
  same_members(self, name .. ".fans", object.fans, self:of_kind("Node", function(fan) return fan.favourite == item end))
end

-- -- rows -------------------------------------------------------------------------------------------------------------------

local function rows_of(self, statement)
  local lines = {}
  for row in self.session:connection():execute(statement) do lines[#lines + 1] = tostring(row) end
  table.sort(lines)
  return table.concat(lines, "\n")
end

local function expected_rows(self, kind, fields)
  local lines = {}
  for _, item in ipairs(self:of_kind(kind)) do
    local row = fields(item)
    for i = 1, row.n do row[i] = row[i] == nil and "NULL" or type(row[i]) == "string" and "'" .. row[i] .. "'" or tostring(row[i]) end
    lines[#lines + 1] = "(" .. table.concat(row, ", ") .. ")"
  end
  table.sort(lines)
  return table.concat(lines, "\n")
end

local function parent_id(item) return item.parent and item.parent.id end

-- Every table against the model; nothing may be waiting for a flush.
function Machine:check_rows()
  local t = schema.metadata.tables
  local function compare(kind, columns, fields)
    local got, expected = rows_of(self, sa.select(table.unpack(columns))), expected_rows(self, kind, fields)
    check(got == expected, "rows of %s:\n%s\nin the model:\n%s", kind, got, expected)
  end
  local users, addresses, tags, nodes = t.model_users.c, t.model_addresses.c, t.model_tags.c, t.model_nodes.c
  local companies, employees, engineers = t.model_companies.c, t.model_employees.c, t.model_engineers.c
  compare("User", { users.id, users.name, users.n }, function(i) return table.pack(i.id, i.values.name, i.values.n) end)
  compare("Address", { addresses.id, addresses.name, addresses.user_id }, function(i) return table.pack(i.id, i.values.name, parent_id(i)) end)
  compare("Tag", { tags.id, tags.name }, function(i) return table.pack(i.id, i.values.name) end)
  compare("Node", { nodes.id, nodes.name, nodes.parent_id, nodes.favourite_id }, function(i)
    return table.pack(i.id, i.values.name, parent_id(i), i.favourite and i.favourite.id)
  end)
  compare("Passport", { t.model_passports.c.id, t.model_passports.c.user_id }, function(i) return table.pack(i.id, parent_id(i)) end)
  compare("Senior", { t.model_seniors.c.id, t.model_seniors.c.motto }, function(i) return table.pack(i.id, i.values.motto) end)
  compare("Vehicle", { t.model_vehicles.c.id, t.model_vehicles.c.name }, function(i) return table.pack(i.id, i.values.name) end)
  compare("Boat", { t.model_boats.c.id, t.model_boats.c.name, t.model_boats.c.sail }, function(i) return table.pack(i.id, i.values.name, i.values.sail) end)
  compare("Company", { companies.id, companies.name }, function(i) return table.pack(i.id, i.values.name) end)
  compare("Employee", { employees.id, employees.name, employees.kind, employees.company_id }, function(i)
    return table.pack(i.id, i.values.name, i.kind:lower(), parent_id(i))
  end)
  compare("Engineer", { engineers.id, engineers.language }, function(i) return table.pack(i.id, i.values.language) end)
  for kind, secondary in pairs { User = schema.links, Node = schema.friends } do
    local links = {}
    for _, item in ipairs(self:of_kind(kind)) do
      for other in pairs(item.tags) do links[#links + 1] = ("(%d, %d)"):format(item.id, other.id) end
    end
    table.sort(links)
    local got = rows_of(self, sa.select(secondary))
    check(got == table.concat(links, "\n"), "links of %s:\n%s\nin the model:\n%s", kind, got, table.concat(links, "\n"))
  end
end

-- -- operations -------------------------------------------------------------------------------------------------------------

local operations = {}

-- What a flush does to the model: orphans are gone, new objects have keys.
function Machine:flushed()
  for _, item in ipairs(self:of_kind(nil, function(i) return schema.parents[i.kind] and schema.parents[i.kind].needed and not i.parent end)) do
    self:forget(item)
  end
  for _, item in ipairs(self.live) do
    if not item.id then
      item.id = item.object.id
      check(item.id, "a flushed %s has no key", item.kind)
    end
  end
end

function Machine:flush()
  self.session:flush()
  self:flushed()
end

local function value_for(column, number)
  if column == "n" then return number % 7 ~= 0 and number or nil end
  return ("%s%d"):format(column:sub(1, 1), number % 50)
end

local function link_up(self, item, parent, by_list)
  local up = schema.parents[item.kind]
  if up.single then
    local former = parent and children_of(self, parent, up)[1]
    if by_list then self:object(parent or item.parent)[up.list] = parent and self:object(item) or nil end
    if former and former ~= item then former.parent = nil end
  end
  if up.single and by_list then
    item.parent = parent
    return
  elseif parent and by_list then
    self:object(parent)[up.list]:append(self:object(item))
  elseif not parent and by_list and item.parent then
    self:object(item.parent)[up.list]:remove(self:object(item))
  else
    self:object(item)[up.key] = parent and self:object(parent) or nil
  end
  item.parent = parent
end

function operations.create(self, a, b, c)
  local item = { kind = choose(KINDS, a), values = {}, tags = {} }
  local up, fields = schema.parents[item.kind], {}
  local parent = up and choose(self:of_kind(up.kind), b)
  if up and up.needed and not parent then return end
  for _, column in ipairs(schema.columns[item.kind]) do
    item.values[column] = value_for(column, c)
    fields[column] = item.values[column]
  end
  item.object = schema.classes[item.kind](fields)
  self.live[#self.live + 1] = item
  if parent and (up.needed or b % 3 > 0) then link_up(self, item, parent, c % 2 == 0) end
  self.session:add(item.object)
  if up and up.single then self:flush() end
end

function operations.set(self, a, b, c)
  local item = choose(self.live, a)
  if not item then return end
  local column = choose(schema.columns[item.kind], b)
  item.values[column] = value_for(column, c)
  self:object(item)[column] = item.values[column]
end

function operations.move(self, a, b, c)
  local item = choose(self:of_kind(nil, function(i) return schema.parents[i.kind] end), a)
  if not item then return end
  local parent = choose(self:of_kind(schema.parents[item.kind].kind), b)
  if not parent or parent == item.parent or is_below(parent, item) then return end
  link_up(self, item, parent, c % 2 == 0)
  if schema.parents[item.kind].single then self:flush() end
end

-- The next autoflush takes an orphan for one: whoever wants to bring it back must not load anything before.
function operations.part(self, a, _, c)
  local item = choose(self:of_kind(nil, function(i) return i.parent end), a)
  if not item then return end
  local needed = schema.parents[item.kind].needed
  link_up(self, item, nil, c % 2 == 0 or needed)
  if needed then self:flush() end
end

local function toggle(self, kind, key, a, b, c)
  local many = schema.many[kind][key]
  local item, other = choose(self:of_kind(kind), a), choose(self:of_kind(many.kind), b)
  if not (item and other) then return end
  local list, object = self:object(item)[key], self:object(other)
  if c % 2 == 0 then list, object = self:object(other)[many.back], self:object(item) end
  if item.tags[other] then list:remove(object) else list:append(object) end
  item.tags[other] = not item.tags[other] or nil
end

function operations.tag(self, a, b, c) toggle(self, "User", "tags", a, b, c) end

function operations.befriend(self, a, b, c) toggle(self, "Node", "friends", a, b, c) end

-- By either side; to nobody, too.
function operations.favour(self, a, b, c)
  local node, other = choose(self:of_kind("Node"), a), choose(self:of_kind("Node"), b)
  if not node then return end
  if c % 3 == 0 then other = nil end
  local former = node.favourite
  if other and c % 2 == 0 and former ~= other then
    self:object(other).fans:append(self:object(node))
  elseif not other and former and c % 2 == 0 then
    self:object(former).fans:remove(self:object(node))
  else
    self:object(node).favourite = other and self:object(other) or nil
  end
  node.favourite = other
end

-- Other objects may remember the deleted one until they are expired.
function operations.delete(self, a)
  self:flush()
  local item = choose(self.live, a)
  if not item then return end
  self.session:delete(self:object(item))
  for _, child in ipairs(children_of(self, item)) do
    if schema.parents[child.kind].needed then self:forget(child) end
  end
  self:forget(item)
  self:flush()
  self.session:expire_all()
end

function operations.flush(self)
  self:flush()
  self:check_rows()
end

function operations.expire(self)
  self:flush()
  self.session:expire_all()
end

function operations.look(self, a, b)
  for _, number in ipairs { a, b } do
    local item = choose(self.live, number)
    if item then self:check_object(item) end
  end
end

local OPTIONS = { "joinedload", "selectinload", "subqueryload" }
local EAGER = { User = { "addresses", "tags", "passport" }, Tag = { "users" }, Node = { "children", "parent", "friends", "fans", "favourite" },
  Company = { "employees" }, Passport = { "user" } }

function operations.query(self, a, b, c)
  local kind = choose(ROOTS, a)
  local class = schema.classes[kind]
  local query = self.session:query(class):order_by(class.id)
  if EAGER[kind] and b % 2 == 0 then query = query:options(orm[choose(OPTIONS, b // 2)](class[choose(EAGER[kind], c)])) end
  local found = query:all()
  self:flushed()
  same_members(self, "a query for " .. kind, found, self:of_kind(kind))
end

function operations.merge(self, a, b, c)
  self:flush()
  local item = choose(self.live, a)
  if not item then return end
  local column = choose(schema.columns[item.kind], b)
  item.values[column] = value_for(column, c)
  local copy = schema.classes[item.kind] { id = item.id }
  copy[column] = item.values[column]
  check(self.session:merge(copy) == self:object(item), "merge answered another object than the session's")
end

-- Objects that nobody refers to leave memory, once they have no changes.
function operations.collect(self, a)
  if a % 3 == 0 then self:flush() end
  for _, item in ipairs(self.live) do
    if item.id then item.object = nil end
  end
  collectgarbage()
end

function operations.savepoint(self)
  if #self.snapshots >= 3 then return end
  self.savepoints = self.savepoints or {}
  self:flush()
  table.insert(self.savepoints, self.session:begin_nested())
  table.insert(self.snapshots, self:snapshot())
end

function operations.release(self)
  if #self.snapshots == 0 then return end
  table.remove(self.savepoints):commit()
  table.remove(self.snapshots)
  self:flushed()
end

-- A savepoint's rollback touches what changed inside it; what was only loaded inside has to be expired by whoever cares.
function operations.rollback_savepoint(self)
  if #self.snapshots == 0 then return end
  table.remove(self.savepoints):rollback()
  self:restore(table.remove(self.snapshots))
  self:check_rows()
  self.session:expire_all()
end

function operations.commit(self)
  self.session:commit()
  self:flushed()
  self.snapshots, self.savepoints = {}, {}
  self.committed = self:snapshot()
  self:check_rows()
end

function operations.rollback(self)
  self.session:rollback()
  self.snapshots, self.savepoints = {}, {}
  self:restore(self.committed)
  self:check_rows()
end

-- How often each is drawn.
local DRAWN = {}
for name, times in pairs { create = 8, set = 5, move = 5, part = 3, tag = 5, befriend = 2, favour = 2, delete = 2,
  flush = 4, expire = 2, look = 6, query = 3, merge = 2, collect = 2, savepoint = 2, release = 1, rollback_savepoint = 2, commit = 2, rollback = 1 } do
  for _ = 1, times do DRAWN[#DRAWN + 1] = name end
end
table.sort(DRAWN)

--- The text of a step, for a program that fails.
function Machine.describe(step) return ("{ %d, %d, %d, %d }, -- %s"):format(step[1], step[2], step[3], step[4], choose(DRAWN, step[1])) end

--- Runs a program; nil, or what went wrong.
---@param program integer[][]
---@return string?
function Machine:run(program)
  self.committed = self:snapshot()
  for number, step in ipairs(program) do
    local name = choose(DRAWN, step[1])
    local ok, err = xpcall(operations[name], debug.traceback, self, step[2], step[3], step[4])
    if not ok then return ("step %d (%s): %s"):format(number, name, tostring(err)) end
  end
  local ok, err = xpcall(operations.commit, debug.traceback, self)
  if not ok then return "the last commit: " .. tostring(err) end
end

function Machine:close() self.session:close() end

return { new = new, describe = Machine.describe }
