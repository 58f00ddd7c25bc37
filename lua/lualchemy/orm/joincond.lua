--- How the rows of two tables belong together: a relationship's join condition, found from the foreign
-- keys or taken from the user, split into terms whose sides are known to be local or remote.
--
-- A term is `{ left =, right =, remote = "left" | "right", foreign = column or nil }` for `left = right`,
-- or `{ expression =, marked = }` for anything else in the condition, which links the tables where it names a foreign
-- column (`foreign_columns`; the pairs it makes of both sides' columns are `linked`). Conditions are rebuilt from the terms
-- with other columns in their place: an alias's for a join, bound values for a lazy load.

local clause = require("lualchemy.orm.clause")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")

local M = {}

---@class lualchemy.orm.JoinTerm
---@field left table?
---@field right table?
---@field remote "left"|"right"|nil
---@field foreign table?
---@field expression table?
---@field marked table?             the expression with what orm.foreign() and orm.remote() say
---@field foreign_columns table<table, boolean>?
---@field is_remote (fun(column: table, marked: boolean): boolean)?
---@field linked table[]?
---@field equates boolean?          an equality of expressions of columns: a flush copies what it links

local function columns_of(selectable)
  local set = {}
  for _, column in ipairs(selectable.c) do set[column] = true end
  return set
end

local function name_of(selectable)
  return tostring(selectable.name or selectable)
end

-- The foreign keys by which `referring`'s columns point at `referred`'s, grouped by constraint.
local function collect_links(referred, referring, groups)
  local is_referred = columns_of(referred)
  for _, column in ipairs(referring.c) do
    for _, key in ipairs(column.foreign_keys or {}) do
      local target = key.column
      if is_referred[target] then
        local of = key.constraint or key
        if not groups[of] then
          groups[of] = { terms = {} }
          groups[#groups + 1] = groups[of]
        end
        local terms = groups[of].terms
        terms[#terms + 1] = { left = target, right = column, foreign = column }
      end
    end
  end
end

local function within(group, foreign_keys)
  for _, term in ipairs(group.terms) do
    if not foreign_keys[term.foreign] then return false end
  end
  return true
end

local function raise_no_link(prop, a, b, secondary)
  errors.raise("NoForeignKeysError", "Could not determine the join condition between parent/child tables on relationship %s: "
    .. "there are no foreign keys linking '%s' and '%s'%s. Give the referencing columns a ForeignKey or ForeignKeyConstraint, "
    .. "or specify primaryjoin%s", tostring(prop), name_of(a), name_of(b),
    secondary and (" through the secondary table '" .. name_of(secondary) .. "'") or "",
    secondary and " and secondaryjoin" or " (and foreign_keys, where the columns have no ForeignKey)")
end

local function raise_several(prop, a, b)
  errors.raise("AmbiguousForeignKeysError", "Could not determine the join condition between parent/child tables on relationship %s: "
    .. "there are multiple foreign key paths linking '%s' and '%s'. Specify foreign_keys, the list of those columns which hold "
    .. "the reference to the parent, or give the whole condition with primaryjoin", tostring(prop), name_of(a), name_of(b))
end

--- The terms of the one foreign key that links two tables.
---@param prop lualchemy.orm.RelationshipProperty   for messages
---@param a table
---@param b table
---@param foreign_keys table<table, boolean>?   the columns to consider, if the user named them
---@param secondary table?   for messages
---@return lualchemy.orm.JoinTerm[]
function M.infer(prop, a, b, foreign_keys, secondary)
  local groups = {}
  collect_links(a, b, groups)
  if not rawequal(a, b) then collect_links(b, a, groups) end
  local usable = {}
  for _, group in ipairs(groups) do
    if not foreign_keys or within(group, foreign_keys) then usable[#usable + 1] = group end
  end
  if #usable == 0 then raise_no_link(prop, a, b, secondary) end
  if #usable > 1 then raise_several(prop, a, b) end
  return usable[1].terms
end

local function refers(column, target)
  for _, key in ipairs(column.foreign_keys or {}) do
    if rawequal(key.column, target) then return true end
  end
  return false
end

-- Which side of an equality holds the reference, by the user's list or by the columns' foreign keys.
local function foreign_side(term, foreign_keys)
  if foreign_keys then
    return foreign_keys[term.right] and term.right or foreign_keys[term.left] and term.left or nil
  end
  if refers(term.right, term.left) then return term.right end
  if refers(term.left, term.right) then return term.left end
end

local STATEMENTS = { select = true, compound = true, textual_select = true }

-- Does the expression hold a statement? What that compares is its own business.
local function has_statement(expression)
  local found = false
  core.replace(expression, function(node) found = found or STATEMENTS[core.kind(node)] or false end)
  return found
end

-- A term that is no equality of two columns.
local function other_term(expression, marked, foreign_keys)
  local term = { expression = expression, marked = marked, foreign_columns = {} }
  term.equates = core.kind(expression) == "binary" and core.get(expression, "op") == "EQ"
  if has_statement(expression) then return term end
  clause.replace_marked(marked, function(column, is_foreign)
    if is_foreign or foreign_keys and foreign_keys[column] then term.foreign_columns[column] = true end
    return column
  end)
  return term
end

--- The terms of a condition that the user wrote: without its marks, and with them.
---@param condition table
---@param foreign_keys table<table, boolean>?
---@param marked table?
---@return lualchemy.orm.JoinTerm[]
function M.split(condition, foreign_keys, marked)
  local terms, marks = {}, clause.conjuncts(marked or condition)
  for i, part in ipairs(clause.conjuncts(condition)) do
    local left, right = clause.equated_columns(part)
    local term = left and { left = left, right = right } or other_term(part, marks[i], foreign_keys)
    if left then term.foreign = foreign_side(term, foreign_keys) end
    terms[#terms + 1] = term
  end
  return terms
end

-- Each column of the other side with each of this side, where a comparison links them.
local function link(term, is_remote)
  local here, there, any_marked = {}, {}, false
  clause.replace_marked(term.marked, function(column, _, marked)
    any_marked = any_marked or marked
    return column
  end)
  function term.is_remote(column, marked) return marked or not any_marked and is_remote(column, term) end
  clause.replace_marked(term.marked, function(column, _, marked)
    local list = term.is_remote(column, marked) and there or here
    list[#list + 1] = column
    return column
  end)
  term.linked = {}
  for _, mine in ipairs(here) do
    for _, other in ipairs(there) do
      if term.foreign_columns[mine] or term.foreign_columns[other] then term.linked[#term.linked + 1] = { mine, other } end
    end
  end
end

--- Marks each equality's remote side: the one for which `is_remote` says so.
---@param terms lualchemy.orm.JoinTerm[]
---@param is_remote fun(column: table, term: lualchemy.orm.JoinTerm): boolean
function M.mark_remote(terms, is_remote)
  for _, term in ipairs(terms) do
    if term.left then
      local left, right = is_remote(term.left, term), is_remote(term.right, term)
      if right then term.remote = "right" elseif left then term.remote = "left" end
    elseif next(term.foreign_columns) then
      link(term, is_remote)
    end
  end
end

--- The pairs of local and remote columns, in the order of the condition.
---@param terms lualchemy.orm.JoinTerm[]
---@return table[]
function M.pairs(terms)
  local list = {}
  for _, term in ipairs(terms) do
    if term.remote == "right" then list[#list + 1] = { term.left, term.right } end
    if term.remote == "left" then list[#list + 1] = { term.right, term.left } end
    for _, pair in ipairs(term.linked or {}) do list[#list + 1] = pair end
  end
  return list
end

--- The pairs of (referred, referring) columns: whose value a flush copies where.
---@param terms lualchemy.orm.JoinTerm[]
---@return table[]
function M.synchronized(terms)
  local list = {}
  for _, term in ipairs(terms) do
    if term.foreign then
      list[#list + 1] = { rawequal(term.foreign, term.right) and term.left or term.right, term.foreign }
    end
    for _, pair in ipairs(term.equates and term.linked or {}) do
      local referring = term.foreign_columns[pair[2]] and 2 or 1
      list[#list + 1] = { pair[3 - referring], pair[referring] }
    end
  end
  return list
end

--- The terms seen from the other end.
---@param terms lualchemy.orm.JoinTerm[]
---@return lualchemy.orm.JoinTerm[]
function M.flipped(terms)
  local others = { left = "right", right = "left" }
  local list = {}
  for i, term in ipairs(terms) do
    local flipped = {}
    for key, value in pairs(term) do flipped[key] = value end
    flipped.remote = others[term.remote]
    if term.linked then
      flipped.linked = {}
      for k, pair in ipairs(term.linked) do flipped.linked[k] = { pair[2], pair[1] } end
      function flipped.is_remote(column, marked) return not term.is_remote(column, marked) end
    end
    list[i] = flipped
  end
  return list
end

local function same(column) return column end

--- The condition with columns replaced; nil for a side leaves it as it is.
---@param terms lualchemy.orm.JoinTerm[]
---@param map_local (fun(column: table): table)?
---@param map_remote (fun(column: table): table)?
---@return table
function M.build(terms, map_local, map_remote)
  local of_local, of_remote = map_local or same, map_remote or same
  local parts = {}
  for i, term in ipairs(terms) do
    if term.linked then
      parts[i] = clause.replace_marked(term.marked, function(column, _, marked)
        return (term.is_remote(column, marked) and of_remote or of_local)(column)
      end)
    elseif term.expression then
      parts[i] = term.expression
      if map_local or map_remote then
        parts[i] = clause.replace(term.expression, function(column)
          local mapped = of_remote(column)
          return rawequal(mapped, column) and of_local(column) or mapped
        end)
      end
    elseif term.remote == "left" then
      parts[i] = of_remote(term.left):eq(of_local(term.right))
    else
      parts[i] = of_local(term.left):eq(of_remote(term.right))
    end
  end
  return clause.conjunction(parts)
end

M.columns_of = columns_of

return M
