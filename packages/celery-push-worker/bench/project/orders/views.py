from django.views.generic import CreateView

from .models import Order
from .tasks import add_up


class OrderView(CreateView):
    model = Order
    fields = ("customer", "amount")
    success_url = "/"

    def form_valid(self, form):
        add_up.delay(form.cleaned_data["amount"], 1)
        return super().form_valid(form)
