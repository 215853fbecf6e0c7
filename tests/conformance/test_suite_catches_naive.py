"""The suite tells the authors of naive backends, by name, what these get wrong."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure.conformance import Harness, prove
from infrastructure.conformance.messaging import _inbox

from .naive_backends import AutocommitHarness, DictHarness, QueueHarness

WRONG: dict[type[Harness[Any]], set[str]] = {
    DictHarness: {
        "C1_a_bad_key_is_refused_everywhere",
        "C2_later_changes_of_the_caller_are_not_stored",
        "C2_what_get_returns_is_the_callers_own",
        "C3_a_stored_none_exists",
        "C4_a_bad_ttl_is_refused",
        "C4_ttl_zero_removes_the_key",
        "C5_ttl_is_rounded_up",
        "C6_delete_is_true_for_a_live_key_only",
        "C7_classes_and_their_negation",
        "C7_a_pattern_matches_the_whole_key",
        "G3_connect_works_again_after_disconnect",
        "G4_every_method_names_itself_when_not_connected",
    },
    QueueHarness: {
        "G3_async_with_connects_and_disconnects",
        "G4_methods_name_themselves_when_not_connected",
        "M1_published_message_arrives",
        "M2_handler_is_told_key_and_headers",
        "M2_other_types_are_refused",
        "M4_each_group_gets_every_message",
        "M4_failed_message_is_not_lost",
        "M5_every_handler_gets_each_message",
        "M7_unsubscribe_of_an_unknown_topic_has_no_effect",
        "M7_unsubscribe_waits_for_running_handlers",
    },
    AutocommitHarness: {
        "E1_a_refused_statement_has_its_sqlstate",
        "E2_a_constraint_is_an_integrity_error",
        "G3_connect_works_again_after_disconnect",
        "S2_placeholders_bind_by_number",
        "S3_two_columns_of_one_name_are_refused",
        "S6_a_bad_row_undoes_all",
        "S6_it_is_a_part_of_the_open_transaction",
        "S7_a_failed_statement_aborts_the_transaction",
        "S7_commit_or_rollback_without_begin_is_refused",
        "S7_rollback_undoes",
        "S12_the_same_table_again_is_no_change",
    },
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("harness", WRONG, ids=lambda harness: harness.__name__)
def test_a_naive_backend_is_told_what_is_wrong(
    harness: type[Harness[Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each of what it must hear fails by its name, with a reason in words."""
    monkeypatch.setattr(_inbox, "PATIENCE", 0.3)
    report = prove(
        harness, backend="naive", only=lambda check: check.name in WRONG[harness], limit=5
    )
    capsys.readouterr()

    assert {result.check.name for result in report.of("failed")} == WRONG[harness]
    assert all(result.reason for result in report.of("failed"))
    assert not report.passed
