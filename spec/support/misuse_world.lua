--- Mapped objects of every kind, for random misuse: an object with a composite, a hybrid, proxies, collections of every
-- kind and subclasses, what stands for it in queries, and what a session has to do with it.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local mutable = require("lualchemy.ext.mutable")

local M = {}

local Size = setmetatable({}, { __call = function(class, width, height) return setmetatable({ width, height }, class) end })
Size.__index = Size
function Size:__composite_values__() return self[1], self[2] end

--- The classes, on tables of their own in the metadata given.
---@param metadata lualchemy.MetaData
---@return table<string, table>
function M.classes(metadata)
  local Base = orm.declarative_base{ metadata = metadata }
  local function id() return sa.Column(sa.Integer, { primary_key = true }) end
  local classes = {}
  classes.Picture = Base:class("Picture", {
    __tablename__ = "misuse_pictures", __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "picture" },
    id = id(), kind = sa.Column(sa.String), title = sa.Column(sa.String), width = sa.Column(sa.Integer), height = sa.Column(sa.Integer),
    camera = sa.Column(mutable.MutableDict:as_mutable(sa.JSON)), note = orm.deferred(sa.Column(sa.String)),
    size = orm.composite(Size, "width", "height"), name = orm.synonym("title"),
    area = orm.hybrid_property{ get = function(self) return self.width * self.height end,
      expression = function(class) return class.width * class.height end },
    tags = orm.relationship("Tag", { collection_class = orm.ordering_list("position"), cascade = "all, delete-orphan", backref = "picture" }),
    words = orm.association_proxy("tags", "word"),
    by_word = orm.relationship("Tag", { collection_class = orm.collections.map("word"), viewonly = true }),
    written = orm.relationship("Tag", { lazy = "write_only", viewonly = true }),
    dynamic = orm.relationship("Tag", { lazy = "dynamic", viewonly = true }),
  })
  classes.Drawing = classes.Picture:class("Drawing", { __mapper_args__ = { polymorphic_identity = "drawing" }, ink = sa.Column(sa.String) })
  classes.Film = classes.Picture:class("Film", { __tablename__ = "misuse_films", __mapper_args__ = { polymorphic_identity = "film" },
    id = sa.Column(sa.ForeignKey("misuse_pictures.id"), { primary_key = true }), length = sa.Column(sa.Integer) })
  classes.Tag = Base:class("Tag", { __tablename__ = "misuse_tags", id = id(), word = sa.Column(sa.String), position = sa.Column(sa.Integer),
    picture_id = sa.Column(sa.ForeignKey("misuse_pictures.id")) })
  return classes
end

--- What a program may hold of them.
---@param classes table<string, table>
---@param session lualchemy.orm.Session
---@return any[]
function M.objects(classes, session)
  local Picture, Film, Tag = classes.Picture, classes.Film, classes.Tag
  local film = Film{ title = "a", width = 1, height = 2, camera = { zoom = 1 }, size = Size(3, 4) }
  film.tags:append(Tag{ word = "w" })
  local kept = Picture{ title = "b" }
  session:add(kept)
  session:flush()
  local poly = orm.with_polymorphic(Picture, { Film })
  local bundle = orm.Bundle("pair", Picture.title, Picture.width)
  return { Picture, Film, Tag, film, kept, film.tags, film.words, film.camera, film.size, kept.by_word, kept.written, kept.dynamic,
    Picture.size, Picture.name, Picture.area, Picture.words, Picture.note, Picture.tags, Film.length, Picture.tags:of_type(Tag),
    poly, poly.Film, bundle, orm.aliased(Picture), orm.aliased(Film), sa.inspect(Film), sa.inspect(kept), sa.inspect(film),
    Picture.__mapper__, Film.__mapper__,
    session:query(Picture), session:query(poly), sa.select(Film), sa.select(bundle), sa.select(Picture):join(Picture.tags), sa.update(Picture),
    sa.delete(Film), sa.insert(Picture), orm.selectinload(Picture.tags), orm.load_only(Picture.title), orm.defer(Picture.title),
    orm.selectin_polymorphic(Picture, { Film }), orm.with_loader_criteria(Tag, Tag.word:ne("x")), orm.contains_eager(Picture.tags),
    orm.scoped_session(orm.sessionmaker{ bind = session.bind }), session.info, session:begin_nested(), classes.Drawing,
    sa.select(Picture):subquery(), orm.registry() }
end

return M
