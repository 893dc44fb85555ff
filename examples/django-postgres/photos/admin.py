from django.contrib import admin
from django.utils.html import format_html

from photos.models import Photo
from photos.tasks import make_thumbnail


@admin.register(Photo)
class PhotoAdmin(admin.ModelAdmin):
    list_display = ["image", "__str__", "state", "uploaded_at"]
    list_display_links = ["image", "__str__"]
    readonly_fields = ["image", "state", "problem", "uploaded_at"]
    actions = ["make_thumbnails_again"]

    @admin.display(description="thumbnail")
    def image(self, photo):
        if not photo.thumbnail:
            return "none yet"
        return format_html('<img src="{}" alt="" width="80" height="80">', photo.thumbnail.url)

    def get_readonly_fields(self, request, photo=None):
        return [*self.readonly_fields, "original"] if photo else self.readonly_fields

    def save_model(self, request, photo, form, change):
        super().save_model(request, photo, form, change)
        if not change:
            make_thumbnail.delay_on_commit(photo.pk)

    @admin.action(description="Make thumbnails again")
    def make_thumbnails_again(self, request, photos):
        for photo in photos:
            make_thumbnail.delay_on_commit(photo.pk)
        self.message_user(request, f"Thumbnails being made: {len(photos)}. Reload the page to see them.")
