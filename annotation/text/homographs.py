"""Names that are also common words, months, places or professions, in the languages that Goldspan generates.

Written by hand for this project; one lower-case form each, whatever its language. Not a dictionary: a value that is
not listed may be a word all the same.
"""

from __future__ import annotations

_WORDS = """
abril agosto aimé alba alegría alma amado amber amor ange angel appel april art ash ask aslan asunción august aurora
autumn avril ay bader bakker barba barış bauer baum bea bear beck becker beer bela belle bello berg berger best bianca
bianchi bill bird bjerg björn black blanc blanca blanco blauw bloem blue blum boer bois bon bond bonnet booth bos
boucher boulanger boulet bouwman bow bowman branco brand braun bravo bro brook brown bruin brun bruno buck bud bueno
bulut bunt busch bush butcher butler cabello cabral calle calvo campo campos can candy cano carità caro carol
carpentier carter casa case cash castillo celeste chance charity chase chevalier chiara chip chips chuck church cielo
clair claire clara clay cliff cole concepción constance consuelo conte cook cooper coral cordeiro costa cousin couture
cravo crespo cross cruz crystal cuesta curt dag daisy dal dale dawn day dean dekker delgado demir deniz desiré dick
dietrich dijk dolly domenica domingos doux drew due duin duke dulce dusty earl ek encarnación engel ernst esperanza
esperança esser estrela estrella eve faith faure fe fein feld felder felice felicidade feliz fern ferreira field fiore
fischer fisher fisk fleischer fleur fleury flor flora flores fontaine fontana forest forestier fort forte fox francis
franco frank frei freitag frid frisch fromm frost fuchs fuentes fé gabel gallo garten gato gatti gay geel geist gene
gentil ginger gioia giusto glad glass glen glória glück god goed good grace gracia gran grand grant grassi gray graça
greco green grey groen groot gros guerra guerre guerrero gull gut gül güneş haan haas hahn hale hall hammer hansen
harmony harper hart hase haus haven hayat hazel heath heather heaven heer heide heil hell herbst herr herrera herrero
herz hidalgo hill hirsch hoch holly holm holz hond honey hood hope horn hunt hunter håp inocencia iris ivy izquierdo
jack jade jager jasmine jay jewel joker joli jolie jordán jour joy judge juin juli juncal june jung juni justice jäger
kaas kaiser kalt kar kay kaya kern king kirsch klein klug knight koch kohl kok koning kort kraft kramer kranz krebs
krog krug kuiper kurt kurz könig lacroix lago lake lam lambert lance lane lang lange laurel laurier law leal leblanc
leclerc lee legrand lemoine leone leroy leão león libero libertad liberty licht lieb lilja lily linda linde little liv
lobo long love luce luck luna lund lustig luz lykke lévêque löwe mai maj major mann manso mar march marchand marin
mark marrón marsh martes mason masson maurer maus may mayo maître mei meister melo mercier mercy mester meunier
milagros mild miles mill miller mol molenaar mond montag monte monteiro montes moon moreno morgen moro moss moulin
moya mulder nagel natt neri neto neu neumann neves nieto nieves noble noir norm nuevo odd olive orso ost oud pace page
paige palacios palma palomo papillon park parker pascal pascua pastor pastore patience patty paz peace pearl pedra
penny pepper perla petit pfeifer pfeil pia piccolo piedad pierce pierre pietra pietro pike pilar pinheiro pino pinto
pires plaza pons pope porter potter power prado prata price primavera primo prince prins prudence prudent queen
queiroz rabe rain ramos rask rau ray read recht redondo reed reich reiter rey ribeiro ricci rich riche richter rico
ridge rincón ring ritter river rivera rivière robin rocha roche rock rocky rod roi rojo rolling romero roos rosa
rosario rose rossi rossignol rosso rot roth rousseau roux roy royal rubio ruby rush russo rusty ríos sabato sage
saison sal salgado sandy sanft santa santo saraiva sauer savage savaş scarlet schaap schade scharf schatz schenk
schild schipper schlosser schmidt schmied schneider schnell schreiber schreiner schulz schuster schwarz schäfer schön
scott seiler sereno serra sevgi sharp shepherd short silva silver simple singer skip skov sky slager sloan small smed
smit smith snel snoek snow sol sole soledad soleil sommer song sonntag soto spencer späth star stark stein stella sten
ster sterk sterling stern still stone stork storm strong sturm stærk su suerte summer summers sunde sunny sweet swift
sá süß tag tanz teich teixeira testa thorn tierra tiger timmerman tonnerre toprak torres traub trinity tro tucker
tyler umut ung vale valente valle vang vega vento ventura vera verano verde verdi vert victoire ville vinter viola
violet violeta violette vis visser vita vitória viña vogel voll volpe vos wagner wald walker walter warren waters
weaver weber weich wein weiss weiß west wild will willow winkler winter wirth wise wit wolf wolff wood woods wright
wunder yaz young yıldız zapatero zee zimmer zomer zon zorn zorro zucca zucker zwart ángeles ömer ørn ışık
"""
HOMOGRAPHS = frozenset(_WORDS.split())
"""Case-folded names that may be common words."""


def is_homograph(value: str) -> bool:
    """True if a value of one word is also a common word."""
    return value.casefold() in HOMOGRAPHS
