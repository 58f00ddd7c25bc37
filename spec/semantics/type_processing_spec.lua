-- 17. A type processes each value once, wherever it goes in or comes out: literals, IN lists, defaults, RETURNING, keys, loads; NULL
-- passes through its hooks.

local sa = require("lualchemy")
local world = require("spec.support.world")

local Shout = sa.TypeDecorator:extend("Shout", { impl = sa.String, cache_ok = true })
function Shout.process_bind_param(_, value) return value and "<" .. value .. ">" or "<none>" end
function Shout.process_result_value(_, value) return value ~= nil and (value:gsub("^<(.*)>$", "%1")) or nil end

world.describe("a type of one's own", function(Base, w)
  w.Word = Base:class("Word", { __tablename__ = "type_words", key = sa.Column(Shout, { primary_key = true }), text = sa.Column(Shout),
    other = sa.Column(Shout, { default = "default" }) })
end, function(w)
  local session

  local function raw(column)
    return session:execute(sa.text("SELECT " .. column .. " FROM type_words ORDER BY key")):scalars():all()
  end

  before_each(function()
    session = w.session
    session:add_all{ w.Word{ key = "a", text = "x" }, w.Word{ key = "b" } }
    session:commit()
  end)

  it("writes once, defaults and NULL too", function()
    assert.same({ "<a>", "<b>" }, raw("key"))
    assert.same({ "<x>", "<none>" }, raw("text"))
    assert.same({ "<default>", "<default>" }, raw("other"))
  end)

  it("reads once, in objects and columns", function()
    local word = session:get(w.Word, "a")
    assert.same({ "a", "x", "default" }, { word.key, word.text, word.other })
    assert.same({ "none" }, session:scalars(sa.select(w.Word.text):where(w.Word.key:eq("b"))):all())
  end)

  it("literals and IN lists take the column's type", function()
    assert.equal(1, session:query(w.Word):filter(w.Word.text:eq("x")):count())
    assert.equal(2, session:query(w.Word):filter(w.Word.key:in_{ "a", "b", "c" }):count())
    assert.equal(1, session:query(w.Word):filter(w.Word.key:between("a", "a")):count())
  end)

  it("identity is by the value that the program knows", function()
    local word = session:get(w.Word, "a")
    local _ = word.text
    assert.equal(word, session:query(w.Word):filter_by{ text = "x" }:one())
    assert.same({}, world.sent(w, function() assert.equal(word, session:get(w.Word, "a")) end))
  end)

  it("updates, RETURNING and statements over many rows", function()
    local word = session:get(w.Word, "a")
    word.text = "y"
    session:commit()
    assert.same({ "<y>", "<none>" }, raw("text"))
    assert.same({ "z" }, session:scalars(sa.update(w.Word):where(w.Word.key:eq("a")):values{ text = "z" }:returning(w.Word.text)):all())
    assert.equal("z", session:scalars(sa.insert(w.Word):returning(w.Word), { { key = "c", text = "z" }, { key = "d", text = "z" } }):all()[2].text)
    assert.same({ "<z>", "<none>", "<z>", "<z>" }, raw("text"))
  end)
end)
