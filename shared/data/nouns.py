"""Common nouns for the pig latin task: lower-case ASCII, three to eight letters, sorted.

The task splits them at random by seed, so each seed is tested on other words it never saw.
"""

from __future__ import annotations

_TEXT = """
acorn actor agent alarm album alley altar anchor angel ankle apple april apron arena armor arrow
artist aspen atlas attic autumn award badge bagel baker bamboo banana bandit banjo banker banner
barber barley barn barrel basin basket beach beacon beard beaver beetle belt bench berry bison
blade blanket blaze blossom boat bonnet border bottle boulder bowl bracelet branch bread breeze
brick bride bridge broom brush bubble bucket buffalo buggy bullet bundle bunny burger butler
button cabin cable cactus camel camera canal candle candy cannon canoe canvas canyon cape
captain caravan cargo carpet carrot castle cedar cellar cement chain chalk channel chapel cheese
cherry chess chest chief chimney circle circus clay cliff clock cloth clover clown coach coast
cobra cobweb coffee collar comet compass concert copper coral corner costume cottage cotton
cougar cousin cradle crane crater crayon cricket crown crystal curtain cushion dagger daisy
dancer dawn debt desert desk dessert diamond dinner doctor dollar dolphin donkey dough dragon
drawer dream dress drum duck dune dust eagle earring easel echo eclipse elbow ember empire
engine fabric falcon farmer feather fence ferry fiddle field finger flag flame flute fog forest
fork fossil fountain fox freckle friend frost funnel galaxy garage garden garlic garnet gate
ghost giant ginger glacier glove goblet goose gospel gown grain granite grape gravel guitar
gutter hammer hamster harbor harp harvest hatch hazel helmet herb hermit heron hinge hockey
honey hood hoof horizon hornet hotel hunter icicle igloo insect iron island ivory ivy jacket
jaguar jelly jewel jigsaw journal juice jungle kayak kennel kettle kitten knight knot ladder
lagoon lantern larch lawn leaf lemon lentil letter lily lime linen lion lizard llama lobster
locket lodge log lotus lumber lunch magnet mango mantle maple marble margin market mask meadow
medal melon mentor merchant meteor mill mint mirror mitten moat monkey moose moss motel moth
motor mouse muffin mule museum musket mustard napkin nectar needle nephew nest nickel ninja
noodle novel nurse nutmeg oak oasis oat ocean olive onion opal orbit orchid otter oven owl
oyster paddle palace panda panel panther parade parcel parrot pastry patio pebble pedal pelican
pencil pepper perch piano picnic pigeon pillow pilot pine pirate pistol planet plaza plum pocket
poem polar pony poppy porch potato powder prairie prince puddle pumpkin puppet puzzle quartz
quilt rabbit raccoon radio raft ranch raven razor ribbon river rocket rooster rope ruby sailor
salad salmon sandal sapphire sauce scarf scooter season shadow shark shelf sheriff silver skate
sketch slipper sloth soldier spade sparrow spider spoon squirrel stable statue stone stream
summit sunset swamp swan sword tablet tailor tango teapot temple tent thistle thorn throne
thunder ticket tiger timber toast tomato torch tower tractor trophy trumpet tulip tunnel turban
turkey turtle tutor tyrant umbrella uncle urchin valley vase velvet vessel village violet violin
vulture waffle wagon walnut walrus wheel whistle widow willow window winter wizard wolf wool
yarn yogurt zebra zigzag zipper
"""

NOUNS: tuple[str, ...] = tuple(_TEXT.split())
