-- Attributes that are more than a column: hybrids, composites, association proxies, maps, ordering lists, documents.
--
--     lua5.4 examples/07_hybrid_and_proxy.lua [URL]

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local mutable = require("lualchemy.ext.mutable")

local Base = orm.declarative_base()

-- A value of two columns.
local Size = setmetatable({}, { __call = function(class, width, height) return setmetatable({ width = width, height = height }, class) end })
Size.__index = Size
Size.__eq = function(a, b) return a.width == b.width and a.height == b.height end
function Size:__composite_values__() return self.width, self.height end

local Tag, Caption

local Picture = Base:class("Picture", {
  __tablename__ = "attr_pictures",
  id = sa.Column(sa.Integer, { primary_key = true }),
  title = sa.Column(sa.String(40)),
  width = sa.Column(sa.Integer), height = sa.Column(sa.Integer),
  camera = sa.Column(mutable.MutableDict:as_mutable(sa.JSON)),
  size = orm.composite(Size, "width", "height"),
  -- In Lua on an object, in SQL on the class.
  area = orm.hybrid_property{
    get = function(self) return self.width * self.height end,
    expression = function(cls) return cls.width * cls.height end,
  },
  fits = orm.hybrid_method(
    function(self, side) return self.width <= side and self.height <= side end,
    function(cls, side) return cls.width:le(side) & cls.height:le(side) end),
  checked = orm.validates("title", function(_, key, value)
    if value:find("^%s*$") then error(key .. " must not be empty", 0) end
    return value
  end),
  -- tags are words, though there are two tables behind them
  picture_tags = orm.relationship("PictureTag", { cascade = "all, delete-orphan", order_by = "PictureTag.position",
    collection_class = orm.ordering_list("position") }),
  tags = orm.association_proxy("picture_tags", "word"),
  captions = orm.relationship("Caption", { collection_class = orm.collections.map("language"), cascade = "all, delete-orphan" }),
  says = orm.association_proxy("captions", "text", { creator = function(language, text) return Caption{ language = language, text = text } end }),
})

Tag = Base:class("Tag", {
  __tablename__ = "attr_tags",
  id = sa.Column(sa.Integer, { primary_key = true }),
  word = sa.Column(sa.String(20)),
})

Base:class("PictureTag", {
  __tablename__ = "attr_picture_tags",
  id = sa.Column(sa.Integer, { primary_key = true }),
  picture_id = sa.Column(sa.ForeignKey("attr_pictures.id")),
  tag_id = sa.Column(sa.ForeignKey("attr_tags.id")),
  position = sa.Column(sa.Integer),
  tag = orm.relationship("Tag"),
  word = orm.association_proxy("tag", "word", { creator = function(word) return Tag{ word = word } end }),
})

Caption = Base:class("Caption", {
  __tablename__ = "attr_captions",
  id = sa.Column(sa.Integer, { primary_key = true }),
  picture_id = sa.Column(sa.ForeignKey("attr_pictures.id")),
  language = sa.Column(sa.String(2)), text = sa.Column(sa.String(80)),
})

local engine = sa.create_engine(arg and arg[1] or "sqlite://")
Base.metadata:drop_all(engine)
Base.metadata:create_all(engine)
local session <close> = orm.sessionmaker{ bind = engine }()

local harbour = Picture{ title = "Harbour", size = Size(400, 300), camera = { lens = "35mm", flash = { used = false } },
  tags = { "sea", "boats" }, says = { en = "The old harbour" } }
session:add_all{ harbour, Picture{ title = "Stamp", size = Size(20, 30), camera = {} } }
session:commit()

print(("%s: %d square pixels, fits 500: %s"):format(harbour.title, harbour.area, harbour:fits(500)))
print("larger than 1000: " .. session:query(Picture):filter(Picture.area:gt(1000)):one().title)
print("fits 100: " .. session:query(Picture):filter(Picture:fits(100)):one().title)
print("of 20 x 30: " .. session:query(Picture):filter(Picture.size:eq(Size(20, 30))):one().title)

harbour.tags:insert(1, "evening")
harbour.says.fr = "Le vieux port"
harbour.camera.flash.used = true -- seen, though it is deep inside
session:commit()
print("tags: " .. table.concat({ harbour.tags[1], harbour.tags[2], harbour.tags[3] }, ", "))
print("third position: " .. harbour.picture_tags[3].position .. " " .. harbour.picture_tags[3].word)
print("in French: " .. harbour.captions.fr.text .. ", flash: " .. tostring(harbour.camera.flash.used))
print("tagged boats: " .. session:query(Picture):filter(Picture.tags:contains("boats")):one().title)

local ok, message = pcall(function() harbour.title = " " end)
print(tostring(ok) .. " " .. message .. "; it is still " .. harbour.title)
harbour.size = nil
session:commit()
print("without a size: " .. session:query(Picture):filter(Picture.size:eq(nil)):one().title)
