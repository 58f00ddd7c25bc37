--- Statement tags: the execution option `tags = { route = "/cart", user = 7 }` becomes a comment at the end of each
--- statement, `/*route='%2Fcart',user='7'*/`, as sqlcommenter writes it, so that the server's logs and views say who
--- asked. Keys and values are percent-encoded: none can end the comment.
-- The text is made after all that is kept compiled. A connection keeps tagged statements prepared by their whole text,
-- so a tag whose value is a function, which is asked for each statement (a trace, a request), keeps its statement from
-- being kept: it would push out the others.

local errors = require("lualchemy.errors")

local M = {}

local KINDS = { string = true, number = true, boolean = true, ["function"] = true }

local function check(tags)
  if type(tags) ~= "table" then
    errors.raise("ArgumentError", "the execution option 'tags' is a table of names and values, not a %s", type(tags))
  end
  for key, value in pairs(tags) do
    if type(key) ~= "string" or not KINDS[type(value)] then
      errors.raise("ArgumentError", "the execution option 'tags' has texts, numbers, booleans or functions under names; got %s = %s",
        tostring(key), type(value))
    end
  end
end

--- Tags in layers: those of `more` over the others; `false` takes a tag out. A new table.
---@param tags table?
---@param more table|false   false: no tags at all
---@return table?
function M.merge(tags, more)
  if more == false then return nil end
  check(more)
  local merged = {}
  for _, layer in ipairs { tags or {}, more } do
    for key, value in pairs(layer) do
      merged[key] = value or nil
    end
  end
  return next(merged) ~= nil and merged or nil
end

local function encode(text)
  return (text:gsub("[^%w%-_.~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

-- A merged table never changes, so what it says is made once, unless a function says it.
local comments = setmetatable({}, { __mode = "k" })

local function make(tags)
  local parts, changes = {}, false
  for key, value in pairs(tags) do
    if type(value) == "function" then
      changes, value = true, value()
    end
    if value ~= nil then parts[#parts + 1] = ("%s='%s'"):format(encode(key), encode(tostring(value))) end
  end
  table.sort(parts)
  return #parts > 0 and "/*" .. table.concat(parts, ",") .. "*/" or "", changes
end

--- A statement with its tags.
---@param sql string
---@param tags table
---@return string sql
---@return boolean changes   another time the text may be another one
function M.append(sql, tags)
  local comment, changes = comments[tags], false
  if not comment then
    comment, changes = make(tags)
    if not changes then comments[tags] = comment end
  end
  if comment == "" then return sql, changes end
  return sql:gsub("[%s;]*$", "", 1) .. " " .. comment, changes
end

return M
