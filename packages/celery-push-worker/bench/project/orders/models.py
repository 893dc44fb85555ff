from django.db import models


class Order(models.Model):
    customer = models.EmailField()
    amount = models.DecimalField(max_digits=9, decimal_places=2)
