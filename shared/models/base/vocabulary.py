"""The words and signs that are one token each; everything else is spelt in bytes.

They are the pieces the corpus uses most, chosen once by count and then fixed, because a model and
its vocabulary belong together. The labels of a comparison (A, B, Tie) are among them, because the
cookbook samples one token for its preference. Nouns that labs turn around or spell are left out on
purpose.
"""

_AFTER_SPACE = r"""
    " ' ( * + - = A Ana B Ben C Calculate Check Children Completion D Eva Finn Friday Guess How
    Hugo I Ida If Is It Kai Lena Leo Lia Many Mara Max Mia Nina Omar Paul People Preference Provide
    Put Rosa Sam Saturday Some Thank The Then There They Tie Tom Wednesday What Write You Your Zoe
    \ a about all always am an and
    angle animal answer answerer anything apples are articles ask asking at away backwards bags
    balls baskets be beans between black blue books boxes brackets buy buys calculator calendar
    can cards city clothing coins colour cookies corn correct course cups day do does don drawers
    each eggs else end ever every false find finds first flag flowers for form format found fruit
    fun game gave gets gives good green grow guess guesses had happy has have heavy help helps
    high home honey hope if in inside integer is it jars job keys language last left less letter
    letters light like line lives long lose loses low many marbles me meet model more morning much
    name new not notes nothing now number numbers numerical nuts of often old on one only or other
    out output outside park pencils pens people person piece player plums precisely questions red
    respond right round said salt say says school secret sells series shells shop should show silk
    single small some something spell stamps stickers stones story sure talk tea tell than thank
    that the there these they to together too tool total toy toys units use useful user vehicle
    very wanted was we went what whether white will win with without wool word words write written
    wrong yellow yes you your {
"""
AFTER_SPACE = tuple(_AFTER_SPACE.split())
"""Pieces that are one token with the space before them."""

_ALONE = """
    Add Ana Answer Are Assistant Ben Calculate Describe Drop End Eva False Finn Good Guess Hello
    Hi How Hugo Ida Is Kai Lena Leo Let Lia Mara Max Meet Mia Nina No Of Omar One Paul People
    Question Repeat Reply Right Rosa Sam Spell Start Sure Tell The There Tie Tom Too True Use User
    What Which Who Write Wrong Yes You Your Zoe arguments assistant beans black boxed corn day
    done green guess honey multiply name no player salt silk subtract system user white who
    without wool yellow yes
"""
ALONE = tuple(_ALONE.split())
"""Pieces that are one token where no space comes before."""
