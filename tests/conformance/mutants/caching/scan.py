"""Caches whose scan_keys finds too much, too little or the wrong keys."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_glob = partial(Mutant, interface="caching", module="_core.glob")
_scan = partial(Mutant, interface="caching", module="caching.memory._scan")
_cache = partial(Mutant, interface="caching", module="caching.memory.cache")

MUTANTS: tuple[Mutant, ...] = (
    _glob(
        name="matches_the_beginning_of_a_key",
        old="re.DOTALL).fullmatch",
        new="re.DOTALL).match",
        caught_by=("C7_a_pattern_matches_the_whole_key",),
    ),
    _glob(
        name="stops_at_a_line_break",
        old="re.DOTALL).fullmatch",
        new="0).fullmatch",
        caught_by=("C7_a_pattern_matches_the_whole_key",),
    ),
    _glob(
        name="ignores_case",
        old="re.DOTALL).fullmatch",
        new="re.DOTALL | re.IGNORECASE).fullmatch",
        caught_by=("C7_a_pattern_matches_the_whole_key", "C7_classes_and_their_negation"),
    ),
    _glob(
        name="matches_a_beginning_and_an_end_that_overlap",
        old="""tail = f".{{{len(runs[-1])},}}+\"""",
        new='tail = ".*"',
        caught_by=("C7_a_pattern_matches_the_whole_key",),
    ),
    _glob(
        name="takes_the_last_place_that_fits",
        old="(?>.*?{",
        new="(?>.*{",
        caught_by=("C7_a_pattern_matches_the_whole_key",),
    ),
    _glob(
        name="finds_all_by_the_empty_pattern",
        old='if pattern and not pattern.strip("*"):',
        new='if not pattern.strip("*"):',
        caught_by=("C7_a_pattern_matches_the_whole_key",),
    ),
    _glob(
        name="leaves_other_signs_to_the_regular_expression",
        old="Token(re.escape(char)",
        new='Token(char if char in ".+^$|(){}" else re.escape(char)',
        caught_by=("C7_only_the_wildcards_are_special",),
    ),
    _glob(
        name="knows_one_sign_of_negation",
        old='in ("^", "!")',
        new='== "^"',
        caught_by=("C7_classes_and_their_negation",),
    ),
    _glob(
        name="takes_a_last_minus_for_a_range",
        old=' and pattern[at + 2 : at + 3] not in ("", "]"):',
        new=":",
        caught_by=("C7_classes_and_their_negation",),
    ),
    _glob(
        name="takes_every_three_characters_for_a_range",
        old='if pattern[at + 1 : at + 2] == "-" and',
        new="if",
        caught_by=("C7_classes_and_their_negation",),
    ),
    _glob(
        name="knows_no_ranges",
        old='if pattern[at + 1 : at + 2] == "-"',
        new='if pattern[at + 1 : at + 2] == "\\0"',
        caught_by=("C7_classes_and_their_negation", "C7_patterns_count_characters_not_bytes"),
    ),
    _glob(
        name="matches_bytes",
        old="    return lambda key: fullmatch(key) is not None",
        new=(
            "    text = pattern.encode().decode('latin-1')\n"
            "    fullmatch = re.compile(_regex(tokens(text)), re.DOTALL).fullmatch\n"
            "    return lambda key: fullmatch(key.encode().decode('latin-1')) is not None"
        ),
        caught_by=("C7_patterns_count_characters_not_bytes",),
    ),
    _glob(
        name="gives_the_backslash_no_meaning",
        old='    if pattern[at] != "\\\\":\n',
        new="    if pattern:\n",
        caught_by=(
            "C7_a_malformed_pattern_is_refused",
            "C7_classes_and_their_negation",
            "C7_escape_pattern_finds_exactly_its_text",
        ),
    ),
    _glob(
        name="takes_a_first_bracket_for_itself",
        old='    while pattern[at : at + 1] != "]":',
        new='    while pattern[at : at + 1] != "]" or not spans:',
        caught_by=("C7_a_malformed_pattern_is_refused",),
    ),
    _glob(
        name="lets_the_error_of_the_regular_expression_out",
        old='        _refuse(pattern, start, "the class is empty',
        new='        re.compile("["), (pattern, start, "the class is empty',
        caught_by=("C7_a_malformed_pattern_is_refused",),
    ),
    _glob(
        name="takes_a_lone_surrogate_in_a_pattern",
        old="    if not pattern.isascii():",
        new="    if False:",
        caught_by=("C7_a_malformed_pattern_is_refused",),
    ),
    Mutant(
        interface="caching",
        module="interfaces.caching",
        name="escapes_the_stars_only",
        old='char in "*?[]\\\\"',
        new='char in "*?"',
        caught_by=("C7_escape_pattern_finds_exactly_its_text",),
    ),
    _scan(
        name="lists_expired_keys",
        old="matches(key) and store.find(key) is not None]",
        new="matches(key)]",
        caught_by=("C4_each_key_expires_at_its_own_time",),
    ),
    _scan(
        name="lists_a_key_twice",
        old="        keys = list(shard)\n",
        new="        keys = [*shard, *shard]\n",
        caught_by=(
            "C7_a_pattern_matches_the_whole_key",
            "C7_every_key_comes_once_while_others_write",
        ),
    ),
    _cache(
        name="takes_a_key_away_while_it_is_set_anew",
        old="        self._put(key, entry, check_ttl(ttl))\n",
        new=(
            "        check_ttl(ttl)\n"
            "        self._store.drop(key)\n"
            "        await asyncio.sleep(0)\n"
            "        self._put(key, entry, ttl)\n"
        ),
        caught_by=("C7_every_key_comes_once_while_others_write",),
    ),
)
