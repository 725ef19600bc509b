"""The judge's own exam: does it reject what is wrong, accept what is right, and say why?"""
