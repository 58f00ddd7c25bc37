--- What the fuzzer feeds: per target a function of any bytes. A structured error is an answer as good as any; what must not
-- happen is a crash, another kind of error, or a value that does not survive being written and read again.

local core = require("lualchemy._core")
local pg = require("lualchemy.dialects.postgresql")
local sa = require("lualchemy")

local M = {}

-- The result of a call, or nil if it raised one of the library's own errors; any other error goes through.
local function attempt(fn, ...)
  local ok, result = pcall(fn, ...)
  if ok then return result end
  if not sa.exc.LualchemyError:is(result) then error(result, 0) end
end

local function check(condition, what, input)
  if not condition then error(("%s: %q"):format(what, input), 0) end
end

--- A URL that is read is written as text that is read as the same.
function M.url(input)
  local url = attempt(sa.make_url, input)
  if not url then return end
  local text = url:render_as_string { hide_password = false }
  check(attempt(sa.make_url, text) == url, "written as " .. text .. ", which is another URL", input)
  tostring(url)
end

local dialects = { sa.dialects.default(), require("lualchemy.dialects.sqlite").dialect {}, pg.dialect {} }

--- The scanner of `:name` in text.
function M.text(input)
  local text = attempt(sa.text, input)
  if not text then return end
  for _, dialect in ipairs(dialects) do
    local compiled = attempt(text.compile, text, { dialect = dialect })
    if compiled then
      local positions = compiled.positiontup
      check(not positions or #positions >= 0, "no positions", input)
    end
  end
end

--- Values that are parsed from text.
function M.value(input)
  for _, name in ipairs { "date", "time", "datetime", "interval", "decimal", "uuid" } do
    local value = attempt(sa[name], input)
    if value ~= nil then
      local text = tostring(value)
      local again = attempt(sa[name], text)
      check(again ~= nil and (again == value or text == "NaN"), ("%s written as %s, which is another"):format(name, text), input)
    end
  end
end

-- An engine whose database answers one row with one cell.
local function engine_of(backend)
  local cell = {}
  local engine = sa.create_engine(backend .. "://", { poolclass = sa.pool.NullPool, creator = function()
    return core.fake_driver({ answers = { { match = "SELECT", columns = { "x" }, rows = { { cell.value } } } } }):connect {}
  end })
  return engine, cell
end

local types = {
  sqlite = { sa.Integer, sa.Float, sa.Numeric, sa.String, sa.Boolean, sa.Date, sa.Time, sa.DateTime, sa.Interval, sa.LargeBinary,
    sa.JSON, sa.Uuid, sa.Enum("a", "b") },
  postgresql = { sa.Integer, sa.Float, sa.Numeric, sa.Boolean, sa.Date, sa.Time, sa.DateTime { timezone = true }, sa.Interval,
    sa.Uuid, pg.JSONB, pg.HSTORE, pg.ARRAY(sa.Integer), pg.ARRAY(sa.String), pg.INT4RANGE, pg.TSRANGE, pg.INT4MULTIRANGE },
}

--- What a database may answer for a column of each type.
function M.read(input)
  for backend, list in pairs(types) do
    local engine, cell = engine_of(backend)
    cell.value = input
    for _, type_ in ipairs(list) do
      local conn <close> = engine:connect()
      attempt(function()
        local result = conn:execute(sa.text("SELECT x"):columns(sa.column("x", type_)))
        local value = result:scalar()
        return value ~= nil and tostring(value)
      end)
    end
  end
end

-- Values made of the input's bytes: a kind, then what that kind takes of the rest.
local makers = {
  function() return nil end,
  function(bytes, at) return bytes:byte(at) or 0, at + 1 end,
  function(bytes, at) return #bytes - at >= 7 and string.unpack("<i8", bytes, at) or math.mininteger, at + 8 end,
  function(bytes, at) return #bytes - at >= 7 and string.unpack("<d", bytes, at) or 0.5, at + 8 end,
  function(bytes, at)
    local n = bytes:byte(at) or 0
    return bytes:sub(at + 1, at + n), at + 1 + n
  end,
}

--- Packed rows: what goes in comes out, column by column.
function M.row(input)
  local values, names, at, n = {}, {}, 1, 0
  while at <= #input and n < 60 do
    local make = makers[input:byte(at) % #makers + 1]
    n = n + 1
    names[n] = "c" .. n
    local value, after = make(input, at + 1)
    values[n], at = value, after or at + 1
  end
  if n == 0 then return end
  local shape = core.shape(names)
  local row = core.row(shape, values)
  check(#row == n, "another length", input)
  for i = 1, n do
    local got = row[i]
    check(got == values[i] or (got ~= got and values[i] ~= values[i]), "another value in " .. names[i], input)
    check(row[names[i]] == got or got ~= got, "another value by name in " .. names[i], input)
  end
  tostring(row)
end

return M
