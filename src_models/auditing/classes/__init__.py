"""Audits of networks that say what a whole picture shows: is what they are said to go by true?"""
