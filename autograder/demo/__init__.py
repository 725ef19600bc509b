"""The whole story in two minutes: a course, a dozen submissions, grades, feedback, an overview."""
