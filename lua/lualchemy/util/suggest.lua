--- Near misses for error messages: "did you mean 'name'?".

local M = {}

-- Levenshtein distance, given up once it passes `limit`.
local function distance(a, b, limit)
  if math.abs(#a - #b) > limit then return limit + 1 end
  local previous = {}
  for j = 0, #b do previous[j] = j end
  for i = 1, #a do
    local row, best = { [0] = i }, i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      row[j] = math.min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + cost)
      if row[j] < best then best = row[j] end
    end
    if best > limit then return limit + 1 end
    previous = row
  end
  return previous[#b]
end

--- The names closest to `word`, best first, at most three.
---@param word string
---@param names string[]
---@return string[]
function M.near(word, names)
  local found = {}
  local lower = word:lower()
  for i, name in ipairs(names) do
    local limit = math.min(3, math.max(1, #name // 2))
    local d = distance(lower, name:lower(), limit)
    if d <= limit and name ~= word then found[#found + 1] = { name = name, distance = d, at = i } end
  end
  table.sort(found, function(a, b)
    if a.distance ~= b.distance then return a.distance < b.distance end
    return a.at < b.at
  end)
  local out = {}
  for i = 1, math.min(3, #found) do out[i] = found[i].name end
  return out
end

--- "; did you mean 'name'?" or "".
---@param word any
---@param names string[]
---@return string
function M.hint(word, names)
  if type(word) ~= "string" then return "" end
  local near = M.near(word, names)
  if #near == 0 then return "" end
  return "; did you mean '" .. table.concat(near, "' or '") .. "'?"
end

return M
