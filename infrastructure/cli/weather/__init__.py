"""The demo: a year of weather at three airports through messaging, storage and cache."""
