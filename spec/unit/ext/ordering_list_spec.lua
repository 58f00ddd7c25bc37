-- Ordering lists: positions follow the list, whichever side changes it.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")

describe("an ordering list", function()
  local Slide, Bullet
  local function classes(...)
    local Base = orm.declarative_base()
    Slide = Base:class("Slide", { __tablename__ = "slides", id = sa.Column(sa.Integer, { primary_key = true }),
      bullets = orm.relationship("Bullet", { collection_class = orm.ordering_list(...), order_by = "Bullet.position", back_populates = "slide" }) })
    Bullet = Base:class("Bullet", { __tablename__ = "bullets", id = sa.Column(sa.Integer, { primary_key = true }),
      slide_id = sa.Column(sa.ForeignKey("slides.id")), slide = orm.relationship("Slide", { back_populates = "bullets" }),
      text = sa.Column(sa.String), position = sa.Column(sa.Integer) })
    return Base
  end
  after_each(orm.clear_mappers)

  local function shown(slide)
    local list = {}
    for i, bullet in ipairs(slide.bullets) do list[i] = bullet.text .. tostring(bullet.position) end
    return table.concat(list, " ")
  end

  it("counts from one, from another number or by a function", function()
    classes("position")
    assert.equal("a1 b2", shown(Slide{ bullets = { Bullet{ text = "a" }, Bullet{ text = "b" } } }))
    classes("position", { count_from = 10 })
    assert.equal("a10 b11", shown(Slide{ bullets = { Bullet{ text = "a" }, Bullet{ text = "b" } } }))
    classes("position", { ordering_func = function(i, list) return i * #list end })
    assert.equal("a2 b4", shown(Slide{ bullets = { Bullet{ text = "a" }, Bullet{ text = "b" } } }))
    expect.raises("ArgumentError", { "takes the name" }, orm.ordering_list, 5)
  end)

  it("follows every change from either side", function()
    classes("position")
    local slide, b = Slide{}, Bullet{ text = "b" }
    slide.bullets:append(Bullet{ text = "a" })
    b.slide = slide
    slide.bullets:insert(1, Bullet{ text = "z" })
    assert.equal("z1 a2 b3", shown(slide))
    slide.bullets:pop(1)
    assert.equal("a1 b2", shown(slide))
    slide.bullets:remove(slide.bullets[1])
    assert.equal("b1", shown(slide))
    slide.bullets = { Bullet{ text = "c" }, b }
    assert.equal("c1 b2", shown(slide))
    slide.bullets[1].slide = nil
    assert.equal("b1", shown(slide))
    table.insert(slide.bullets, 1, Bullet{ text = "first" })
    assert.equal("first1 b2", shown(slide))
  end)

  it("writes positions that changed and no others", function()
    local Base = classes("position")
    local engine = sa.create_engine("sqlite://")
    Base.metadata:create_all(engine)
    local session <close> = orm.Session(engine)
    local slide = Slide{ bullets = { Bullet{ text = "a" }, Bullet{ text = "b" }, Bullet{ text = "c" } } }
    session:add(slide)
    session:commit()
    assert.equal("a1 b2 c3", shown(slide))
    slide.bullets:pop(2)
    assert.equal("c", session.dirty[#session.dirty].text)
    session:commit()
    assert.equal("a1 c2", shown(slide))
    engine:dispose()
  end)
end)
