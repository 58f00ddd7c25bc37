--- Attributes of a class that shares its table with others, or that lies in several tables, wherever a statement names them:
--- which rows of which tables it means. The texts are SQLAlchemy's.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local raises_here = require("spec.support.expect").raises_here
local world = require("spec.support.world")

local func = sa.func
local Base = orm.declarative_base()

local function key(of) return sa.Column(sa.Integer, of and sa.ForeignKey(of) or nil, { primary_key = true }) end

local Animal = Base:class("Animal", {
  __tablename__ = "animal", id = key(), kind = sa.Column(sa.String), age = sa.Column(sa.Integer), weight = sa.Column(sa.Integer),
  name = sa.Column(sa.String), owner_id = sa.Column(sa.ForeignKey("owner.id")),
  __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "animal" },
})
local Cat = Animal:class("Cat", {
  lives = sa.Column(sa.Integer), size = orm.column_property(Animal.age + Animal.weight),
  toys = orm.relationship("Toy", { back_populates = "cat" }), owner = orm.relationship("Owner"),
  __mapper_args__ = { polymorphic_identity = "cat" },
})
local Dog = Animal:class("Dog", { tricks = sa.Column(sa.Integer), __mapper_args__ = { polymorphic_identity = "dog" } })
local Bird = Animal:class("Bird", {
  __tablename__ = "bird", id = key("animal.id"), span = sa.Column(sa.Integer), __mapper_args__ = { polymorphic_identity = "bird" },
})
local Owner = Base:class("Owner", {
  __tablename__ = "owner", id = key(), animal_id = sa.Column(sa.Integer),
  animal = orm.relationship(Animal, { primaryjoin = "foreign(Owner.animal_id):eq(Animal.id)", viewonly = true }),
})
local Toy = Base:class("Toy", {
  __tablename__ = "toy", id = key(), cat_id = sa.Column(sa.ForeignKey("animal.id")),
  cat = orm.relationship(Cat, { back_populates = "toys" }),
})

local function owners(...) return sa.select(Owner.id):where(...) end

local rows = {
  { function() return owners(func.lower(Cat.name):eq("a")) end,
    "SELECT owner.id FROM owner, animal WHERE lower(animal.name) = :lower_1" },
  { function() return owners(func.coalesce(Cat.age, Dog.age):eq(1)) end,
    "SELECT owner.id FROM owner, animal WHERE coalesce(animal.age, animal.age) = :coalesce_1" },
  { function() return owners(sa.and_(Cat.age:eq(1), Dog.age:eq(2))) end,
    "SELECT owner.id FROM owner, animal WHERE animal.age = :age_1 AND animal.age = :age_2 AND animal.kind IN (:kind_1_1) AND"
      .. " animal.kind IN (:kind_2_1)" },
  { function() return owners(sa.or_(Cat.age:eq(1), Dog.age:eq(2))) end,
    "SELECT owner.id FROM owner, animal WHERE (animal.age = :age_1 OR animal.age = :age_2) AND animal.kind IN (:kind_1_1) AND"
      .. " animal.kind IN (:kind_2_1)" },
  { function() return owners(Cat.age:eq(1), Dog.age:eq(2)) end,
    "SELECT owner.id FROM owner, animal WHERE animal.age = :age_1 AND animal.age = :age_2 AND animal.kind IN (:kind_1_1) AND"
      .. " animal.kind IN (:kind_2_1)" },
  { function() return owners((Dog.age + Cat.age):eq(2)) end,
    "SELECT owner.id FROM owner, animal WHERE animal.age + animal.age = :param_1 AND animal.kind IN (:kind_1_1) AND animal.kind IN (:kind_2_1)" },
  { function() return owners(sa.case({{Cat.age:eq(1), true}}, { else_ = false })) end,
    "SELECT owner.id FROM owner, animal WHERE CASE WHEN (animal.age = :age_1) THEN :param_1 ELSE :param_2 END AND animal.kind IN (:kind_1_1)" },
  { function() return owners(sa.case({{Cat.age:eq(1), 1}}, { else_ = 2 }):eq(2)) end,
    "SELECT owner.id FROM owner, animal WHERE CASE WHEN (animal.age = :age_1) THEN :param_1 ELSE :param_2 END = :param_3 AND"
      .. " animal.kind IN (:kind_1_1)" },
  { function() return owners(sa.cast(Cat.age, sa.String):eq("1")) end,
    "SELECT owner.id FROM owner, animal WHERE CAST(animal.age AS VARCHAR) = :param_1 AND animal.kind IN (:kind_1_1)" },
  { function() return owners(Cat.age:in_({1})) end,
    "SELECT owner.id FROM owner, animal WHERE animal.age IN (:age_1_1) AND animal.kind IN (:kind_1_1)" },
  { function() return owners(sa.tuple_(Cat.age, Cat.weight):in_({{1, 2}})) end,
    "SELECT owner.id FROM owner, animal WHERE (animal.age, animal.weight) IN ((:param_1_1_1, :param_1_1_2)) AND animal.kind IN (:kind_1_1)" },
  { function() return owners(Owner.id:in_(sa.select(Cat.id))) end,
    "SELECT owner.id FROM owner WHERE owner.id IN (SELECT animal.id FROM animal WHERE animal.kind IN (:kind_1_1))" },
  { function() return owners(Cat.age:in_(sa.select(Owner.id))) end,
    "SELECT owner.id FROM owner, animal WHERE animal.age IN (SELECT owner.id FROM owner) AND animal.kind IN (:kind_1_1)" },
  { function() return owners(sa.not_(Cat.age:eq(1))) end,
    "SELECT owner.id FROM owner, animal WHERE animal.age != :age_1 AND animal.kind IN (:kind_1_1)" },
  { function() return owners(sa.not_(sa.or_(Cat.age:eq(1), Cat.weight:eq(2)))) end,
    "SELECT owner.id FROM owner, animal WHERE NOT (animal.age = :age_1 OR animal.weight = :weight_1) AND animal.kind IN (:kind_1_1)" },
  { function() return owners(Cat.age:between(1, Dog.weight)) end,
    "SELECT owner.id FROM owner, animal WHERE animal.age BETWEEN :age_1 AND animal.weight AND animal.kind IN (:kind_1_1) AND"
      .. " animal.kind IN (:kind_2_1)" },
  { function() return owners(Owner.id:between(1, Dog.weight)) end,
    "SELECT owner.id FROM owner, animal WHERE owner.id BETWEEN :id_1 AND animal.weight AND animal.kind IN (:kind_1_1)" },
  { function() return owners(Cat.age:is_(nil)) end,
    "SELECT owner.id FROM owner, animal WHERE animal.age IS NULL AND animal.kind IN (:kind_1_1)" },
  { function() return owners((Cat.age + 1):label("q"):eq(2)) end,
    "SELECT owner.id FROM owner, animal WHERE animal.age + :age_1 = :param_1 AND animal.kind IN (:kind_1_1)" },
  { function() return owners(Cat.age:label("q"):eq(2)) end,
    "SELECT owner.id FROM owner, animal WHERE animal.age = :param_1 AND animal.kind IN (:kind_1_1)" },
  { function() return owners(sa.extract("year", Cat.age):eq(2)) end,
    "SELECT owner.id FROM owner, animal WHERE EXTRACT(year FROM animal.age) = :param_1 AND animal.kind IN (:kind_1_1)" },
  { function() return owners(func.max(Cat.age):filter(Cat.weight:eq(1)):eq(2)) end,
    "SELECT owner.id FROM owner, animal WHERE max(animal.age) FILTER (WHERE animal.weight = :weight_1) = :param_1 AND animal.kind IN (:kind_1_1)" },
  { function() return owners(func.max(Owner.id):filter(Cat.weight:eq(1)):eq(2)) end,
    "SELECT owner.id FROM owner, animal WHERE max(owner.id) FILTER (WHERE animal.weight = :weight_1) = :param_1 AND animal.kind IN (:kind_1_1)" },
  { function() return owners(sa.any_(Cat.age):eq(1)) end,
    "SELECT owner.id FROM owner, animal WHERE :param_1 = ANY (animal.age) AND animal.kind IN (:kind_1_1)" },
  { function() return owners((-Cat.age):eq(1)) end,
    "SELECT owner.id FROM owner, animal WHERE -animal.age = :param_1 AND animal.kind IN (:kind_1_1)" },
  { function() return owners(Cat.size:eq(1)) end,
    "SELECT owner.id FROM owner, animal WHERE animal.age + animal.weight = :param_1 AND animal.kind IN (:kind_1_1)" },
  { function() return owners(Cat.toys:any()) end,
    "SELECT owner.id FROM owner WHERE EXISTS (SELECT 1 FROM toy, animal WHERE animal.id = toy.cat_id)" },
  { function() return owners(Cat.toys:any(Toy.id:eq(1))) end,
    "SELECT owner.id FROM owner WHERE EXISTS (SELECT 1 FROM toy, animal WHERE animal.id = toy.cat_id AND toy.id = :id_1)" },
  { function() return owners(Cat.owner:eq(nil)) end,
    "SELECT owner.id FROM owner, animal WHERE animal.owner_id IS NULL" },
  { function() return owners(Cat.owner:eq(Owner({ id = 1 }))) end,
    "SELECT owner.id FROM owner, animal WHERE :param_1 = animal.owner_id" },
  { function() return owners(Toy.cat:has()) end,
    "SELECT owner.id FROM owner WHERE EXISTS (SELECT 1 FROM animal, toy WHERE animal.id = toy.cat_id AND animal.kind IN"
      .. " (:kind_1_1) AND animal.kind IN (:kind_2_1))" },
  { function() return owners(Toy.cat:has(Cat.age:eq(1))) end,
    "SELECT owner.id FROM owner WHERE EXISTS (SELECT 1 FROM animal, toy WHERE animal.id = toy.cat_id AND animal.kind IN"
      .. " (:kind_1_1) AND animal.age = :age_1 AND animal.kind IN (:kind_2_1))" },
  { function() return owners(Owner.animal:of_type(Cat):has()) end,
    "SELECT owner.id FROM owner WHERE EXISTS (SELECT 1 FROM animal WHERE owner.animal_id = animal.id AND animal.kind IN"
      .. " (:kind_1_1) AND animal.kind IN (:kind_2_1))" },
  { function() return owners(Owner.animal:of_type(Cat):has(Cat.age:eq(1))) end,
    "SELECT owner.id FROM owner WHERE EXISTS (SELECT 1 FROM animal WHERE owner.animal_id = animal.id AND animal.kind IN"
      .. " (:kind_1_1) AND animal.age = :age_1 AND animal.kind IN (:kind_2_1))" },
  { function() return owners(Owner.animal:has(Cat.age:eq(1))) end,
    "SELECT owner.id FROM owner WHERE EXISTS (SELECT 1 FROM animal WHERE owner.animal_id = animal.id AND animal.age = :age_1 AND"
      .. " animal.kind IN (:kind_1_1))" },
  { function() return owners(sa.exists(sa.select(Cat.id))) end,
    "SELECT owner.id FROM owner WHERE EXISTS (SELECT animal.id FROM animal WHERE animal.kind IN (:kind_1_1))" },
  { function() return owners(sa.exists():where(Cat.age:eq(Owner.id))) end,
    "SELECT owner.id FROM owner WHERE EXISTS (SELECT * FROM animal WHERE animal.age = owner.id AND animal.kind IN (:kind_1_1))" },
  { function() return owners(sa.exists(Cat.id):where(Cat.age:eq(Owner.id))) end,
    "SELECT owner.id FROM owner WHERE EXISTS (SELECT animal.id FROM animal WHERE animal.age = owner.id AND animal.kind IN (:kind_1_1))" },
  { function() return owners(sa.exists(1):select_from(Cat)) end,
    "SELECT owner.id FROM owner WHERE EXISTS (SELECT 1 FROM animal WHERE animal.kind IN (:kind_1_1))" },
  { function() return owners(sa.literal(1):eq(Cat.age)) end,
    "SELECT owner.id FROM owner, animal WHERE :param_1 = animal.age AND animal.kind IN (:kind_1_1)" },
  { function() return owners(orm.aliased(Cat).age:eq(1)) end,
    "SELECT owner.id FROM owner, animal AS animal_1 WHERE animal_1.age = :age_1 AND animal_1.kind IN (:kind_1_1)" },
  { function() return owners(sa.text("1=1"), Cat.age:eq(1)) end,
    "SELECT owner.id FROM owner, animal WHERE 1=1 AND animal.age = :age_1 AND animal.kind IN (:kind_1_1)" },
  { function() return owners(Bird.age:eq(1)) end,
    "SELECT owner.id FROM owner, animal WHERE animal.age = :age_1" },
  { function() return owners(Cat.age:eq(1)):where(Cat.weight:eq(2)) end,
    "SELECT owner.id FROM owner, animal WHERE animal.age = :age_1 AND animal.weight = :weight_1 AND animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Animal.id):where(Cat.age:eq(1)) end,
    "SELECT animal.id FROM animal WHERE animal.age = :age_1 AND animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Cat.id):where(Dog.age:eq(1)) end,
    "SELECT animal.id FROM animal WHERE animal.age = :age_1 AND animal.kind IN (:kind_1_1) AND animal.kind IN (:kind_2_1)" },
  { function() return sa.select(Cat.id):where(Cat.age:eq(1)) end,
    "SELECT animal.id FROM animal WHERE animal.age = :age_1 AND animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Cat.age):order_by(Dog.age) end,
    "SELECT animal.age FROM animal WHERE animal.kind IN (:kind_1_1) ORDER BY animal.age" },
  { function() return sa.select(Cat.age + Animal.weight) end,
    "SELECT animal.age + animal.weight AS anon_1 FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select((func.max(Cat.age) + 1)) end,
    "SELECT max(animal.age) + :max_1 AS anon_1 FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select((Cat.age + 1), (Dog.age + 1)) end,
    "SELECT animal.age + :age_1 AS anon_1, animal.age + :age_2 AS anon_2 FROM animal WHERE animal.kind IN (:kind_1_1) AND"
      .. " animal.kind IN (:kind_2_1)" },
  { function() return sa.select(Owner.id, (Cat.age + 1)) end,
    "SELECT owner.id, animal.age + :age_1 AS anon_1 FROM owner, animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Bird.age + 1) end,
    "SELECT animal.age + :age_1 AS anon_1 FROM animal JOIN bird ON animal.id = bird.id" },
  { function() return sa.select(Bird.span + 1) end,
    "SELECT bird.span + :span_1 AS anon_1 FROM animal JOIN bird ON animal.id = bird.id" },
  { function() return sa.select(func.max(Bird.span)) end,
    "SELECT max(bird.span) AS max_1 FROM animal JOIN bird ON animal.id = bird.id" },
  { function() return sa.select(Animal.age, (Bird.span + 1)) end,
    "SELECT animal.age, bird.span + :span_1 AS anon_1 FROM animal JOIN bird ON animal.id = bird.id" },
  { function() return sa.select(Bird.span + Animal.age) end,
    "SELECT bird.span + animal.age AS anon_1 FROM animal JOIN bird ON animal.id = bird.id" },
  { function() return sa.select(Bird.age + 1):where(Bird.span:eq(1)) end,
    "SELECT animal.age + :age_1 AS anon_1 FROM animal JOIN bird ON animal.id = bird.id WHERE bird.span = :span_1" },
  { function() return sa.select(Owner.id):where(Bird.age:eq(1)) end,
    "SELECT owner.id FROM owner, animal WHERE animal.age = :age_1" },
  { function() return sa.select(sa.select(Cat.age):scalar_subquery()) end,
    "SELECT (SELECT animal.age FROM animal WHERE animal.kind IN (:kind_1_1)) AS anon_1" },
  { function() return sa.select((sa.select(Cat.age):scalar_subquery() + Dog.age)) end,
    "SELECT (SELECT animal.age FROM animal WHERE animal.kind IN (:kind_1_1)) + animal.age AS anon_1 FROM animal WHERE animal.kind IN (:kind_2_1)" },
  { function() return sa.select(sa.exists(Cat.id)) end,
    "SELECT EXISTS (SELECT animal.id FROM animal WHERE animal.kind IN (:kind_1_1)) AS anon_1" },
  { function() return sa.select(Cat.age):select_from(Owner) end,
    "SELECT animal.age FROM owner, animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Owner.id):select_from(Cat) end,
    "SELECT owner.id FROM animal, owner WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Owner.id):select_from(orm.join(Cat, Owner, Cat.age:eq(Owner.id))) end,
    "SELECT owner.id FROM animal JOIN owner ON animal.age = owner.id WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Owner.id):select_from(orm.join(Owner, Cat, Cat.age:eq(Owner.id))) end,
    "SELECT owner.id FROM owner JOIN animal ON animal.age = owner.id AND animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Owner.id):select_from(orm.join(Animal, Owner, Animal.age:eq(Owner.id))) end,
    "SELECT owner.id FROM animal JOIN owner ON animal.age = owner.id" },
  { function() return sa.select(Owner.id):select_from(orm.outerjoin(Cat, Owner, Cat.age:eq(Owner.id))) end,
    "SELECT owner.id FROM animal LEFT OUTER JOIN owner ON animal.age = owner.id WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Owner.id):join(Cat, Cat.age:eq(Owner.id)) end,
    "SELECT owner.id FROM owner JOIN animal ON animal.age = owner.id AND animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Owner.id):join(Cat, Cat.age:eq(Owner.id)):where(Cat.weight:eq(1)) end,
    "SELECT owner.id FROM owner JOIN animal ON animal.age = owner.id AND animal.kind IN (:kind_1_1) WHERE animal.weight = :weight_1" },
  { function() return sa.select(Owner.id):outerjoin(Cat, Cat.age:eq(Owner.id)):where(Cat.weight:eq(1)) end,
    "SELECT owner.id FROM owner LEFT OUTER JOIN animal ON animal.age = owner.id AND animal.kind IN (:kind_1_1) WHERE animal.weight = :weight_1" },
  { function() return sa.select(Owner.id):join(Owner.animal):where(Cat.weight:eq(1)) end,
    "SELECT owner.id FROM owner JOIN animal ON owner.animal_id = animal.id WHERE animal.weight = :weight_1 AND animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Owner.id):join(Owner.animal:of_type(Cat)):where(Cat.weight:eq(1)) end,
    "SELECT owner.id FROM owner JOIN animal ON owner.animal_id = animal.id AND animal.kind IN (:kind_1_1) WHERE animal.weight = :weight_1" },
  { function() return sa.select(Owner.id):join(Animal):where(Cat.weight:eq(1)) end,
    "SELECT owner.id FROM owner JOIN animal ON owner.id = animal.owner_id WHERE animal.weight = :weight_1 AND animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Toy.id):join(Toy.cat) end,
    "SELECT toy.id FROM toy JOIN animal ON animal.id = toy.cat_id AND animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Toy.id):join(Toy.cat):where(Cat.weight:eq(1)) end,
    "SELECT toy.id FROM toy JOIN animal ON animal.id = toy.cat_id AND animal.kind IN (:kind_1_1) WHERE animal.weight = :weight_1" },
  { function() return sa.select(Toy.id):join(Cat):where(Cat.weight:eq(1)) end,
    "SELECT toy.id FROM toy JOIN animal ON animal.id = toy.cat_id AND animal.kind IN (:kind_1_1) WHERE animal.weight = :weight_1" },
  { function() return sa.select(Toy.id):join(Cat.toys) end,
    "SELECT toy.id FROM animal JOIN toy ON animal.id = toy.cat_id WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Cat.age + 1):join(Cat.toys) end,
    "SELECT animal.age + :age_1 AS anon_1 FROM animal JOIN toy ON animal.id = toy.cat_id WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Cat.id):join(Owner, Cat.age:eq(Owner.id)) end,
    "SELECT animal.id FROM animal JOIN owner ON animal.age = owner.id WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Animal):join(Owner, Cat.age:eq(Owner.id)) end,
    "SELECT animal.id, animal.kind, animal.age, animal.weight, animal.name, animal.owner_id FROM animal JOIN owner ON animal.age = owner.id" },
  { function() return sa.update(Animal):where(Cat.age:eq(1)):values{ age = 1} end,
    "UPDATE animal SET age=:age WHERE animal.age = :age_1" },
  { function() return sa.update(Cat):where(Cat.age:eq(1)):values{ age = 1} end,
    "UPDATE animal SET age=:age WHERE animal.age = :age_1 AND animal.kind IN (:kind_1_1)" },
  { function() return sa.update(Cat):values{ age = (Cat.age + 1)} end,
    "UPDATE animal SET age=(animal.age + :age_1) WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.update(Cat):where(Animal.age:eq(1)):values{ age = 1} end,
    "UPDATE animal SET age=:age WHERE animal.age = :age_1 AND animal.kind IN (:kind_1_1)" },
  { function() return sa.update(Owner):where(Cat.age:eq(Owner.id)):values{ animal_id = Cat.age} end,
    "UPDATE owner SET animal_id=animal.age FROM animal WHERE animal.age = owner.id" },
  { function() return sa.update(Owner):where(sa.exists():where(Cat.age:eq(Owner.id))):values{ animal_id = 1} end,
    "UPDATE owner SET animal_id=:animal_id WHERE EXISTS (SELECT * FROM animal WHERE animal.age = owner.id AND animal.kind IN (:kind_1_1))" },
  { function() return sa.delete(Animal):where(Cat.age:eq(1)) end,
    "DELETE FROM animal WHERE animal.age = :age_1" },
  { function() return sa.delete(Cat) end,
    "DELETE FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.delete(Cat):where(Cat.age:eq(1)) end,
    "DELETE FROM animal WHERE animal.age = :age_1 AND animal.kind IN (:kind_1_1)" },
  { function() return sa.delete(Owner):where(Owner.id:in_(sa.select(Cat.id))) end,
    "DELETE FROM owner WHERE owner.id IN (SELECT animal.id FROM animal WHERE animal.kind IN (:kind_1_1))" },
  { function() return sa.insert(Owner):from_select({"id"}, sa.select(Cat.age + 1)) end,
    "INSERT INTO owner (id) SELECT animal.age + :age_1 AS anon_1 FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.update(Owner):values{ animal_id = sa.select(Cat.age + 1):where(Cat.weight:eq(Owner.id)):scalar_subquery()} end,
    "UPDATE owner SET animal_id=(SELECT animal.age + :age_1 AS anon_1 FROM animal WHERE animal.weight = owner.id AND animal.kind IN (:kind_1_1))" },
  { function() return sa.select(Cat.age + 1):union(sa.select(Dog.age + 1)) end,
    "SELECT animal.age + :age_1 AS anon_1 FROM animal WHERE animal.kind IN (:kind_1_1) UNION SELECT animal.age + :age_2 AS anon_2"
      .. " FROM animal WHERE animal.kind IN (:kind_2_1)" },
  { function() return sa.select(Owner.id):group_by(Owner.id):having(func.max(Cat.age):eq(1)) end,
    "SELECT owner.id FROM owner GROUP BY owner.id HAVING max(animal.age) = :max_1" },
  { function() return sa.select(Owner.id):group_by(Owner.id):having(Cat.age:eq(1)) end,
    "SELECT owner.id FROM owner GROUP BY owner.id HAVING animal.age = :age_1" },
  { function() return sa.select(Owner.id):order_by(sa.select(Cat.age):scalar_subquery()) end,
    "SELECT owner.id FROM owner ORDER BY (SELECT animal.age FROM animal WHERE animal.kind IN (:kind_1_1))" },
  { function() return sa.select(Cat.age:label("q")):order_by("q") end,
    "SELECT animal.age AS q FROM animal WHERE animal.kind IN (:kind_1_1) ORDER BY q" },
  { function() return sa.select(Cat.age:label("q")):order_by(Cat.age) end,
    "SELECT animal.age AS q FROM animal WHERE animal.kind IN (:kind_1_1) ORDER BY animal.age" },
  { function() return sa.select(Cat.age:label("q")):order_by(Cat.age:desc()) end,
    "SELECT animal.age AS q FROM animal WHERE animal.kind IN (:kind_1_1) ORDER BY animal.age DESC" },
  { function() return sa.select(Cat.age:label("q")):group_by(Cat.age) end,
    "SELECT animal.age AS q FROM animal WHERE animal.kind IN (:kind_1_1) GROUP BY animal.age" },
  { function() return sa.select(Cat.age, func.count()):group_by(Cat.age):having(Cat.age:gt(1)) end,
    "SELECT animal.age, count(*) AS count_1 FROM animal WHERE animal.kind IN (:kind_1_1) GROUP BY animal.age HAVING animal.age > :age_1" },
  { function() return sa.select(Cat.age, Animal.age) end,
    "SELECT animal.age, animal.age AS age__1 FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(sa.cast(Cat.age, sa.String)) end,
    "SELECT CAST(animal.age AS VARCHAR) AS age FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Cat.age:label("q")) end,
    "SELECT animal.age AS q FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(sa.distinct(Cat.age)) end,
    "SELECT DISTINCT animal.age FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(func.count(sa.distinct(Cat.age))) end,
    "SELECT count(DISTINCT animal.age) AS count_1 FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(orm.Bundle("b", Cat.age, Cat.weight)) end,
    "SELECT animal.age, animal.weight FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(orm.Bundle("b", (Cat.age + 1))) end,
    "SELECT animal.age + :age_1 AS anon_1 FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Cat.size) end,
    "SELECT animal.age + animal.weight AS anon_1 FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Cat.size + 1) end,
    "SELECT animal.age + animal.weight + :param_1 AS anon_1 FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select((orm.aliased(Cat).age + 1)) end,
    "SELECT animal_1.age + :age_1 AS anon_1 FROM animal AS animal_1 WHERE animal_1.kind IN (:kind_1_1)" },
  { function() return sa.select((orm.aliased(Cat).size + 1)) end,
    "SELECT animal_1.age + animal_1.weight + :param_1 AS anon_1 FROM animal AS animal_1 WHERE animal_1.kind IN (:kind_1_1)" },
  { function() return sa.select(Owner.id):where(orm.with_polymorphic(Cat, {}).lives:eq(1)) end,
    "SELECT owner.id FROM owner, animal WHERE animal.lives = :lives_1 AND animal.kind IN (:kind_1_1)" },
  { function() return sa.select(sa.literal(1)):select_from(Cat) end,
    "SELECT :param_1 AS anon_1 FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(sa.text("1"), (Cat.age + 1)) end,
    "SELECT 1, animal.age + :age_1 AS anon_1 FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(func.count()):select_from(Cat):where(Cat.age:gt(1)) end,
    "SELECT count(*) AS count_1 FROM animal WHERE animal.age > :age_1 AND animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Cat.age + 1):limit(1) end,
    "SELECT animal.age + :age_1 AS anon_1 FROM animal WHERE animal.kind IN (:kind_1_1) LIMIT :param_1" },
  { function() return sa.select(Cat.age + 1):with_only_columns(Cat.weight) end,
    "SELECT animal.weight FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Cat.age):with_only_columns(Owner.id) end,
    "SELECT owner.id FROM owner" },
  { function() return sa.select(Cat):with_only_columns(func.count()) end,
    "SELECT count(*) AS count_1" },
  { function() return sa.select(Owner.id):filter_by{ id = 1}:where(Cat.age:eq(1)) end,
    "SELECT owner.id FROM owner, animal WHERE owner.id = :id_1 AND animal.age = :age_1 AND animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Cat.age + 1):filter_by{ age = 1} end,
    "SELECT animal.age + :age_1 AS anon_1 FROM animal WHERE animal.age = :age_2 AND animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Owner.id):where(Owner.id:in_(sa.select(Bird.age + 1))) end,
    "SELECT owner.id FROM owner WHERE owner.id IN (SELECT animal.age + :age_1 AS anon_1 FROM animal JOIN bird ON animal.id = bird.id)" },
  { function() return sa.select(Cat.age:eq(1)) end,
    "SELECT animal.age = :age_1 AS anon_1 FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select((~Cat.age:eq(1))) end,
    "SELECT animal.age != :age_1 AS anon_1 FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(sa.case({{Owner.id:eq(1), Cat.age}})) end,
    "SELECT CASE WHEN (owner.id = :id_1) THEN animal.age END AS anon_1 FROM animal, owner WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(sa.case({{Owner.id:eq(1), 1}}, { else_ = Cat.age })) end,
    "SELECT CASE WHEN (owner.id = :id_1) THEN :param_1 ELSE animal.age END AS anon_1 FROM animal, owner WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Cat.name:concat(Owner.id)) end,
    "SELECT animal.name || owner.id AS anon_1 FROM animal, owner WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select((sa.literal(1) + Cat.age)) end,
    "SELECT :param_1 + animal.age AS anon_1 FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Cat.age:desc()) end,
    "SELECT animal.age DESC FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Cat.age:in_({1, 2})) end,
    "SELECT animal.age IN (:age_1_1, :age_1_2) AS anon_1 FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Cat.age:in_(sa.select(Owner.id))) end,
    "SELECT animal.age IN (SELECT owner.id FROM owner) AS anon_1 FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Cat.age:between(1, 2)) end,
    "SELECT animal.age BETWEEN :age_1 AND :age_2 AS anon_1 FROM animal WHERE animal.kind IN (:kind_1_1)" },
  { function() return sa.select(Cat.age:is_(nil)) end,
    "SELECT animal.age IS NULL AS anon_1 FROM animal WHERE animal.kind IN (:kind_1_1)" },  { function() return sa.select(Cat):order_by(Cat.size:desc()) end,
    "SELECT animal.age + animal.weight AS anon_1, animal.id, animal.kind, animal.age, animal.weight, animal.name, animal.owner_id,"
      .. " animal.lives FROM animal WHERE animal.kind IN (:kind_1_1) ORDER BY anon_1 DESC" },
  { function() return sa.select(sa.select(orm.aliased(Bird, { flat = true })):subquery()) end,
    "SELECT anon_1.id, anon_1.kind, anon_1.age, anon_1.weight, anon_1.name, anon_1.owner_id, anon_1.span FROM (SELECT bird_1.id AS id,"
      .. " animal_1.id AS id_1, animal_1.kind AS kind, animal_1.age AS age, animal_1.weight AS weight, animal_1.name AS name,"
      .. " animal_1.owner_id AS owner_id, bird_1.span AS span FROM animal AS animal_1 JOIN bird AS bird_1 ON animal_1.id = bird_1.id)"
      .. " AS anon_1" },
}

describe("an attribute of a class in a hierarchy", function()
  for _, row in ipairs(rows) do
    it("in " .. row[2], function()
      assert.equal(row[2], (row[1]():compile({ render_postcompile = true }).string:gsub("%s+", " ")))
    end)
  end

  it("is the column it stands for, to whoever asks", function()
    local column = Animal.__table__.c.age
    assert.equal(column.table, Cat.age.table)
    assert.equal(column, (Cat.age + 1).left)
    assert.equal("age", Cat.age.name)
    assert.is_nil(Bird.__mapper__.property_by_key.lives)
  end)

  it("of several tables is not joined to where one of them is", function()
    raises_here("InvalidRequestError", "Can't join to Bird: its table 'animal' is in the statement already", function()
      sa.select(Cat.id):join(Bird, Bird.age:eq(Cat.age))
    end)
    assert.truthy(tostring(sa.select(Owner.id, Bird.span + 1):join(Bird, Bird.owner_id:eq(Owner.id))):find("FROM owner JOIN (animal JOIN bird", 1, true))
  end)
end)

local function zoo(B, w)
  w.Animal = B:class("Animal", {
    __tablename__ = "hx_animals", id = key(), kind = sa.Column(sa.String(10)), age = sa.Column(sa.Integer),
    __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "animal" },
  })
  w.Cat = w.Animal:class("Cat", { double = orm.column_property(w.Animal.age * 2), __mapper_args__ = { polymorphic_identity = "cat" } })
  w.Kitten = w.Cat:class("Kitten", { __mapper_args__ = { polymorphic_identity = "kitten" } })
  w.Bird = w.Animal:class("Bird", { __tablename__ = "hx_birds", id = key("hx_animals.id"), span = sa.Column(sa.Integer),
    __mapper_args__ = { polymorphic_identity = "bird" } })
end

world.describe("rows of a class in a hierarchy", zoo, function(w)
  before_each(function()
    w.session:add_all { w.Animal{ age = 1 }, w.Cat{ age = 2 }, w.Cat{ age = 3 }, w.Bird{ age = 4, span = 40 } }
    w.session:commit()
  end)

  local function values(statement)
    local found = {}
    for _, value in ipairs(w.session:scalars(statement):all()) do found[#found + 1] = math.tointeger(value) end
    table.sort(found)
    return found
  end

  it("come by expressions over its attributes", function()
    assert.same({ 3, 4 }, values(sa.select(w.Cat.age + 1)))
    assert.same({ 5 }, values(sa.select(w.Bird.age + 1)))
    assert.same({ 2 }, values(sa.select(func.count(w.Cat.id) + 0)))
    assert.same({ 4, 6 }, values(sa.select(w.Animal.age + w.Cat.age)))      -- whichever operand is first
    assert.same({ 4, 6 }, values(sa.select(w.Cat.age + w.Animal.age)))
    assert.same({ 20, 30 }, values(sa.select(sa.case({ { w.Cat.age:gt(0), w.Cat.age * 10 } }))))
  end)

  it("come where they are compared", function()
    assert.same({ 2, 3 }, values(sa.select(w.Animal.age):where(w.Cat.age:gt(0))))
    assert.same({ 2, 3 }, values(sa.select(w.Animal.age):where(w.Animal.id:in_(sa.select(w.Cat.id + 0)))))
    local other = orm.aliased(w.Cat)
    assert.same({ 1, 2 }, values(sa.select(w.Animal.age):where(sa.exists(sa.select(other.id):where(other.age:eq(w.Animal.age + 1))))))
  end)

  it("come with what is computed for them, whichever classes are asked for", function()
    w.session:add(w.Kitten{ age = 9 })
    for _, options in ipairs { {}, { aliased = true } } do
      local both = orm.with_polymorphic(w.Animal, { w.Kitten }, options)
      local doubled = {}
      for _, animal in ipairs(w.session:scalars(sa.select(both):order_by(both.age)):all()) do doubled[#doubled + 1] = animal.double or 0 end
      assert.same({ 0, 4, 6, 0, 18 }, doubled)
    end
    assert.same({ 9 }, values(sa.select(w.Animal.age):where(w.Cat.double:gt(10))))
  end)

  it("come by the attribute that was selected, whatever it was called", function()
    local row = w.session:execute(sa.select(w.Cat.age, w.Cat.id:label("number")):order_by(w.Cat.age)):first()
    assert.equal(2, row[w.Cat.age])
    assert.equal(row.number, row[w.Cat.id])
  end)

  it("are written by an UPDATE of a list, and no others by one with criteria", function()
    local cat = w.session:query(w.Cat):order_by(w.Cat.age):first()
    w.session:execute(sa.update(w.Cat), { { id = cat.id, age = 7 } })
    w.session:execute(sa.update(w.Cat):where(w.Cat.age:gt(0)):values{ age = w.Cat.age + 10 })
    w.session:commit()
    assert.same({ 1, 4, 13, 17 }, values(sa.select(w.Animal.age)))
  end)
end)
